package images

// DefinitionName is the name of the module's own definition; its lines begin with it.
const DefinitionName = "Images"

// The numbers of the module's stages.
const (
	StageInitialization = iota
	StageReading
	StageDesign
	StageReady
	StageComplete
)

// Stage is one stage of the module's definition.
type Stage struct {
	Number  int
	Name    string
	Instant bool // complete without start is normal
}

// Definition returns the stages in order. Stage 0 is the module's own; each next
// post passes through the others in a run of its own.
func Definition() []Stage {
	return []Stage{
		{Number: StageInitialization, Name: "Initialization"},
		{Number: StageReading, Name: "Post Reading"},
		{Number: StageDesign, Name: "Image Design"},
		{Number: StageReady, Name: "Ready Post"},
		{Number: StageComplete, Name: "Complete", Instant: true},
	}
}

// Stages takes the module's reports. The account is platform/username, "" at stage
// 0. Next posts are worked on one after the other: a start at StageReading opens
// the run of the next one.
type Stages interface {
	Start(n int, account, message string)
	Complete(n int, account, message string, details map[string]any)
	Failed(n int, account, message string)
}
