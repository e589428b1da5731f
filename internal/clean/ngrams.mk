# `make languages`, and with it `make model`, leaves the language table where
# `go build` embeds it. Without it the program builds too, and tells languages
# only where the platform says them or the script is that of one language.

LANGUAGES     := internal/clean/ngrams/table/ngrams.bin
LANGUAGES_SUM := 75f82f6176838aa09394695f301f4de953c264d1bb8a96900935114807c5b1a7

.PHONY: languages
languages:
	@sh internal/clean/convert/languages.sh $(LANGUAGES) $(LANGUAGES_SUM)

model: languages
