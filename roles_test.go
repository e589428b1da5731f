package stagewatch_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/stagewatch/stagewatch"
)

// keepHome keeps a home until that ends, and prints why it did.
func keepHome() {
	k, err := stagewatch.NewKeeper(stagewatch.Default(), stagewatch.KeeperConfig{})
	if err == nil {
		err = k.Run(context.Background())
	}
	fmt.Println(err)
}

// tick records, every few milliseconds, what time it is.
func tick() {
	count, _ := strconv.Atoi(os.Getenv("COUNT"))
	for i := range count {
		<-time.After(time.Duration(3+i%7) * time.Millisecond)
		stagewatch.Start(1, strconv.FormatInt(time.Now().UnixNano(), 10), stagewatch.For("elonmusk"))
	}
	stagewatch.Default().Close()
}
