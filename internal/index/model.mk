# `make model` leaves the sentence model where `go build` embeds it. Without it
# the program builds too, and indexes by words alone.

MODEL     := internal/index/model/minilm-l6-v2.int8.bin
MODEL_SUM := 6e3cb765943d32654be488ab0614fb6949e057a52ca543aad29099e1ea662f0e

.PHONY: model
model:
	@sh internal/index/convert/model.sh $(MODEL) $(MODEL_SUM)
