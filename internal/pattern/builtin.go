package pattern

// StageLines is the name of the built-in pattern for programs that print the
// operator's lines themselves, as Stagewatch's reporter and the original do:
//
//	⚙️  Stage 3 - Vector Database for elonmusk: Indexing 50 posts
//	✅ Stage 3 Complete - Vector Database for elonmusk - Indexed 50 posts
//	❌ Stage 3 Failed - Vector Database for elonmusk - Error: no network
//
// The name of a stage must not hold " for ", nor an account a blank: the lines
// do not say where one ends. A definition's name before "Stage" is taken, if it
// has no blank.
const StageLines = "stage-lines"

// stageLines are the expressions that StageLines stands for.
func stageLines() []Rule {
	const (
		number  = `(?:(?P<definition>\S+) · )?Stage (?P<stage>-?\d+)`
		account = `(?: for (?P<account>[^\s:]+))?`
	)
	return []Rule{
		{Match: `⚙️ +` + number + ` - [^:]*?` + account + `: (?P<message>.*)$`, Event: Started},
		{Match: `✅ +` + number + ` Complete - .*?` + account + ` - (?P<message>.*)$`, Event: Completed},
		{Match: `❌ +` + number + ` Failed - .*?` + account + ` - Error: (?P<message>.*)$`, Event: Failed},
	}
}
