package scrape

// Source is a kind of connector that can be opened.
type Source struct {
	Name string
	// About says in one sentence what it reads and what its address is.
	About string
	// Open returns a connector that reads at address. It fetches nothing yet.
	Open func(address string) (Connector, error)
}

// Connectors lists every kind of connector there is.
func Connectors() []Source {
	return []Source{
		{"archive", "reads raw scrapes from a folder laid out <platform>/<primary>/<username>.json", openArchive},
	}
}
