package generate

import "strings"

// frames are the sentences of a draft in one language, with {A} and {B} for
// the account's own names of things. They ask and invite; they claim nothing.
type frames struct {
	choice, open []string // questions between two things, about one
	talk         []string // statements that introduce
	comment      []string // requests for a comment
	friend       string   // request to name somebody
	reply        string   // request for a reply to a tweet
	headChoice   string
	free         bool // whether any noun fits, or names and hashtags only
}

// captionFrames returns the frames of a language; known is false when drafts
// cannot be written in it.
func captionFrames(language string, brand bool) (f frames, known bool) {
	us := func(many, one string) string {
		if brand {
			return many
		}
		return one
	}
	switch language {
	case "en":
		return frames{
			choice:     []string{"{A} or {B}: which one is yours?", "{A} or {B}? Pick one.", "If it had to be one: {A} or {B}?"},
			open:       []string{"What would you like to see next from {A}?", "{A}: what should come next?", "What comes to mind first with {A}?"},
			talk:       []string{"Let’s talk about {A}.", "More on {A}.", "Back to {A}."},
			comment:    []string{us("Tell us", "Tell me") + " in the comments what you want to know about {A}.", us("Tell us", "Tell me") + " in the comments: what about {A} should the next post show?"},
			friend:     "Tag the friend who comes to mind with {A}.",
			reply:      "Reply with what you think of {A}.",
			headChoice: "{A} or {B}?", free: true,
		}, true
	case "es":
		return frames{
			choice:     []string{"{A} o {B}: ¿con cuál te quedas?", "¿{A} o {B}? Elige.", "Si solo pudiera ser una de las dos: ¿{A} o {B}?"},
			open:       []string{"¿Qué es lo primero que te viene a la mente con {A}?", "¿Qué te gustaría ver de {A}?", "{A}: ¿qué debería venir ahora?"},
			talk:       []string{"Hablemos de {A}.", "Seguimos con {A}.", "Volvemos a {A}."},
			comment:    []string{us("Cuéntanos", "Cuéntame") + " en los comentarios qué te gustaría ver de {A}.", us("Dinos", "Dime") + " en los comentarios: ¿qué quieres saber de {A}?"},
			friend:     "Etiqueta a quien te recuerda a {A}.",
			reply:      "Responde con lo que piensas de {A}.",
			headChoice: "¿{A} o {B}?",
		}, true
	case "pt":
		return frames{
			choice:     []string{"{A} ou {B}: qual é a sua escolha?", "{A} ou {B}? Escolha."},
			open:       []string{"O que você quer ver de {A}?", "O que vem primeiro à mente com {A}?"},
			talk:       []string{"Vamos falar de {A}.", "Mais sobre {A}."},
			comment:    []string{us("Conta pra gente", "Me conta") + " nos comentários o que você quer saber de {A}."},
			friend:     "Marque quem lembra {A}.",
			reply:      "Responda com o que você pensa de {A}.",
			headChoice: "{A} ou {B}?",
		}, true
	case "fr":
		return frames{
			choice:     []string{"{A} ou {B} : vous choisissez quoi ?", "{A} ou {B} ? Il faut choisir."},
			open:       []string{"Qu’aimeriez-vous voir sur {A} ?", "{A} : la suite, vous l’imaginez comment ?"},
			talk:       []string{"Parlons de {A}.", "La suite sur {A}."},
			comment:    []string{us("Dites-nous", "Dites-moi") + " en commentaire ce que vous voulez savoir sur {A}."},
			friend:     "Identifiez la personne à qui {A} vous fait penser.",
			reply:      "Répondez avec votre avis sur {A}.",
			headChoice: "{A} ou {B} ?",
		}, true
	case "de":
		return frames{
			choice:     []string{"{A} oder {B}: Was ist eure Wahl?", "{A} oder {B}? Entscheidet euch."},
			open:       []string{"Was wollt ihr als Nächstes zu {A} sehen?", "{A}: Wie soll es weitergehen?"},
			talk:       []string{"Reden wir über {A}.", "Mehr zu {A}."},
			comment:    []string{"Schreibt " + us("uns", "mir") + " in die Kommentare, was ihr zu {A} wissen wollt."},
			friend:     "Markiert, wer euch bei {A} einfällt.",
			reply:      "Antwortet mit eurer Meinung zu {A}.",
			headChoice: "{A} oder {B}?",
		}, true
	case "it":
		return frames{
			choice:     []string{"{A} o {B}: quale scegli?", "{A} o {B}? Scegli."},
			open:       []string{"Che cosa vorresti vedere su {A}?", "{A}: che cosa viene dopo?"},
			talk:       []string{"Parliamo di {A}.", "Ancora su {A}."},
			comment:    []string{us("Raccontaci", "Raccontami") + " nei commenti che cosa vuoi sapere su {A}."},
			friend:     "Tagga chi ti viene in mente con {A}.",
			reply:      "Rispondi con la tua idea su {A}.",
			headChoice: "{A} o {B}?",
		}, true
	}
	return frames{}, false
}

// draftLanguages names the languages of captionFrames.
func draftLanguages() string { return "English, Spanish, Portuguese, French, German and Italian" }

func fill(frame, a, b string) string {
	return upper(strings.NewReplacer("{A}", a, "{B}", b).Replace(frame))
}
