// Package stagewatch tracks the stages of long-lived pipelines.
//
// A pipeline says three things: a stage started, completed, or failed.
//
//	stagewatch.Start(1, "Processing twitter account", stagewatch.For("elonmusk"))
//	stagewatch.Complete(1, "Successfully processed twitter account", stagewatch.For("elonmusk"))
//
// The calls append one checked record each to a journal in the miner's home,
// $MINER_HOME or ~/.miner. They never fail, print, or wait longer than 50 ms;
// without a usable home they do nothing. Everything that is shown is folded
// from the journal by [State.Apply]: the lines of a [Reporter], the status
// file that a [Keeper] writes, and what [ReadState] returns.
package stagewatch
