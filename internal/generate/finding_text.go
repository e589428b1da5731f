package generate

// sentence writes a finding with its numbers and what they are worth.
func (f finding) sentence(p *prose, metric string) string {
	f.note(p)
	all := len(f.with) + len(f.rest)
	text := upper(f.name) + " reach a median of " + p.amount("median of "+f.name, "count", f.median, len(f.with)) + " " + metric +
		" (" + p.posts("posts compared: "+f.name, len(f.with)) + "), " + f.others + " " +
		p.amount("median of "+f.others, "count", f.other, len(f.rest)) + " (" + p.posts("posts compared: "+f.others, len(f.rest)) +
		"): " + p.relation("ratio of the medians", f.ratio, all)
	if f.high > 0 {
		p.percent("coverage of the interval", 0.8, all)
		text += ", 80 % interval " + p.relation("interval, low", f.low, all) + " to " + p.relation("interval, high", f.high, all)
	}
	return text + ". " + f.worth(p)
}

func (f feature) note(p *prose) {
	for _, figure := range f.figures {
		p.keep(figure)
	}
}

// worth says what a difference is worth: the largest of its chances, and what
// it was held against.
func (f finding) worth(p *prose) string {
	all := len(f.with) + len(f.rest)
	text := "Chance gives such a gap at most " + p.percent("largest chance of such a gap", f.odds(), all) + " of the time"
	if f.tries > 1 {
		text += " (as the best of " + p.count("slots it was picked from", f.tries) + " slots)"
	}
	var checks []string
	if f.period > 0 {
		checks = append(checks, "against the posts around the same time")
		p.percent("chance of such a gap within its time", f.period, all)
	}
	if f.beside > 0 {
		checks = append(checks, "beside the stronger findings")
		p.percent("chance of such a gap beside the stronger findings", f.beside, all)
	}
	if len(checks) > 0 {
		text += ", also " + list(checks, "and")
	}
	switch f.grade {
	case "":
		text += ": it says nothing yet"
	case weak:
		text += ": a hint to test"
	}
	return text + "."
}

// twins says which other features mark the same posts.
func (f finding) twins(p *prose) string {
	if len(f.alike) == 0 {
		return ""
	}
	var names []string
	for _, twin := range f.alike[:min(2, len(f.alike))] {
		twin.note(p)
		names = append(names, p.count("posts of both: "+twin.name, common(f.with, twin.with))+" of the "+p.count("posts compared: "+twin.name, len(twin.with))+" "+twin.name)
	}
	return " Among them are " + list(names, "and") + ": the data cannot tell which of these makes the difference."
}
