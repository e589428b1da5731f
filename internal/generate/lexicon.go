package generate

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// functionWord reports whether a word carries no topic in a language. The
// languages that drafts are written in have a list; in the others words of up
// to three letters count as such, and what stands in most posts is left out
// by the counting itself.
func functionWord(language, key string) bool {
	if utf8.RuneCountInString(key) < 2 && !unspaced(firstRune(key)) {
		return true
	}
	list := functionWords(language)
	if list == "" {
		return utf8.RuneCountInString(key) <= 3 && !unspaced(firstRune(key)) && !hasDigit(key)
	}
	return strings.Contains(list, " "+key+" ")
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func functionWords(language string) string {
	switch language {
	case "en", "":
		return " a about after again all also am an and any are aren't as at away back be because been before being best better both but by can can't come comes could day days did didn't do does doesn't doing don't down each even ever every everyone far few first for from full get gets getting give gives go goes going gone gonna good got great had has have haven't having he her here hers him his how i i'd i'll i'm i've if in into is isn't it it'll its it's just keep kind know last let let's like little long look looks lot made make makes making many may me might mine more most much must my need never new next no not nothing now of off on once one only onto or other our ours out over own people perfect please put ready real really right same say see she should so some something soon still such sure take takes tell than thank thanks that that's the their them then there there's these they they're thing things think this those through time to today together tomorrow tonight too try two under until up upon us use used very via want wants was way we we'll we're we've well were what what's when where which while who whole why will with within without won't would x year years yes yet you you'd you'll you're you've your yours "
	case "es":
		return " a al algo alguna algunas alguno algunos ante antes aquello aquí así aun aunque aún año años bajo bien cada casi como con contra cosa cosas cual cuando cuándo cuál de del desde donde dos durante dónde e el ella ellas ellos en entre era eran eres es esa esas ese eso esos esta estaba estado estamos estar estas este esto estos está están estás fue ha hace hacer hacia han has hasta hay haya he hemos hoy la las le les lo los luego mas me mejor mi mis mismo mucha muchas mucho muchos muy más mí nada ni no nos nosotros nuestra nuestras nuestro nuestros nueva nuevo nunca o os otra otras otro otros para parte pero poco podrás por porque puede pueden puedes pues que qué quien quién se sea ser será si sido siempre sin sobre sois solo somos son soy su sus sólo sí también tan tanto te tendrás tiene tienen tienes toda todas todo todos tras tu tus tú un una unas uno unos vez vosotros vuelve vuestra vuestro y ya yo él día días "
	case "pt":
		return " a agora ainda algo alguns ao aos aqui as assim até cada com como da das de dela dele depois deste do dos e ela ele eles em entre era essa esse esta estamos este está estão eu foi fazer há isso isto já lhe mais mas me melhor mesmo meu minha muito muitos na nada nas nem no nos nossa nosso nova novo não nós o onde os ou outra outro para pela pelo por porque pra quando que quem qual se sem ser seu sempre seus sobre sua suas são só também tem tempo ter teu toda todas todo todos tu tudo um uma uns vai vamos você vocês à às é " //nolint:misspell // not English
	case "fr":
		return " a ai au aussi autre autres aux avec avez avoir bien c'est ce cela ces cet cette ceux chaque chez comme comment d'un d'une dans de des deux donc du elle elles en encore entre es est et eu eux faire fait fois il ils j'ai je jour jours l'on la le les leur leurs lui là ma mais me mes moi moins mon même n'est ne ni nos notre nous nouveau nouvelle on ont ou où par pas peut plus pour pourquoi qu'il qu'on quand que quel quelle qui quoi s'est sa sans se ses si son sont sous sur ta te tes toi ton tous tout toute toutes trop très tu un une va vers vont vos votre vous y à ça été être "
	case "de":
		return " aber alle allem allen alles als also am an auch auf aus bald bei beim bin bis bist da dabei damit dann das dass dein deine dem den denn der des dich die dies diese dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch euer eure für ganz geht gibt gut habe haben hat hier heute ich ihm ihn ihr ihre im immer in ins ist ja jede jeden jeder jetzt kann kein keine können könnt machen macht man mehr mein meine mich mir mit mal nach nicht nichts noch nun nur ob oder ohne schon sehr sein seine seit sich sie sind so soll tag tage um und uns unser unsere unter viel vom von vor war waren warum was weil welche wenn wer werden wie wieder wir wird wo zu zum zur über neue neuen neuer "
	case "it":
		return " a ad agli ai al alla alle allo anche ancora c'è che chi ci come con così cosa cui da dagli dai dal dalla degli dei del dell'anno della delle di dopo dove due e ed era essere fa fare fino gli ha hai hanno ho i il in io la le lei lo loro lui ma mai me mi mia mio molto ne negli nei nel nella nelle no noi non nostra nostro nuova nuovo o ogni oggi per perché più po' poi può qualche quando quanto quella quelle quello questa queste questi questo qui se sei sempre senza si sia siamo siete solo sono su sua sui sul sulla suo te ti tra tu tua tuo tutta tutte tutti tutto un una uno va vi voi vostra vostro è "
	}
	return ""
}

// asks returns the phrases by which a caption asks its reader to do something.
func asks(language string) []string {
	switch language {
	case "en", "":
		return []string{"shop", "tag", "comment", "tell us", "let us know", "link in bio", "link in our bio", "follow", "share", "save this", "download", "visit", "watch", "swipe", "tap", "click", "sign up", "join", "discover", "order", "book", "buy", "grab", "cop", "check out", "find your", "get yours", "register", "vote", "reply", "drop a", "dm us", "send us", "enter"}
	case "es":
		return []string{"visita", "descubre", "comenta", "cuéntanos", "cuéntame", "etiqueta", "comparte", "descarga", "consigue", "síguenos", "participa", "entra", "regístrate", "compra", "reserva", "mira", "like a", "link en", "enlace en", "colecciónalo", "dinos", "vota", "guarda", "únete"} //nolint:misspell // not English
	case "pt":
		return []string{"visite", "descubra", "comente", "comenta", "conta pra gente", "conte", "marque", "marca", "compartilhe", "baixe", "siga", "participe", "compre", "reserve", "assista", "link na bio", "vote", "salve", "clique", "garanta"} //nolint:misspell // not English
	case "fr":
		return []string{"découvrez", "commentez", "dites-nous", "dis-nous", "identifiez", "partagez", "téléchargez", "suivez", "participez", "achetez", "réservez", "regardez", "lien en bio", "lien dans la bio", "votez", "cliquez", "rendez-vous", "inscrivez"}
	case "de":
		return []string{"entdecke", "entdeckt", "kommentiert", "kommentiere", "verratet", "schreibt", "markiert", "markiere", "teilt", "teile", "folgt", "folge", "kauft", "bestellt", "bestelle", "link in bio", "link in der bio", "klickt", "stimmt ab", "macht mit", "schaut", "sichert", "bucht"}
	case "it":
		return []string{"scopri", "scoprite", "commenta", "commentate", "diteci", "dicci", "tagga", "taggate", "condividi", "scarica", "segui", "seguici", "partecipa", "acquista", "prenota", "guarda", "link in bio", "vota", "clicca", "iscriviti", "raccontaci"}
	}
	return nil
}

// asking returns the phrase by which a sentence asks something of its reader:
// one that it begins with, or a longer one anywhere; "" when there is none.
func asking(language, sentence string) string {
	keys := make([]string, 0, 16)
	for _, t := range tokens(sentence) {
		keys = append(keys, t.key)
	}
	line := " " + strings.Join(keys, " ") + " "
	for _, phrase := range asks(language) {
		if strings.HasPrefix(line, " "+phrase+" ") ||
			strings.Contains(phrase, " ") && strings.Contains(line, " "+phrase+" ") {
			return phrase
		}
	}
	return ""
}

// event reports whether a word or sentence is of a contest or a giveaway: it
// ends, and what it draws is drawn by the prize.
func event(text string) bool {
	const words = " giveaway giveaways contest contests competition sweepstakes raffle win wins won winner winners prize prizes enter entry entries entered " +
		"sorteo concurso gana gánate ganador premio premios bases sorteio ganhe prêmio concours gagnez gagner tirage gewinnspiel gewinne gewinnt verlosung concorso vinci estrazione "
	return slices.ContainsFunc(tokens(text), func(t token) bool {
		return strings.Contains(words, " "+t.key+" ") || strings.Contains(t.key, "giveaway") || strings.Contains(t.key, "contest") || strings.Contains(t.key, "sorteo")
	})
}

// passing reports whether a sentence speaks of a moment that is over by the
// time a draft is posted.
func passing(sentence string) bool {
	const words = " today tonight tomorrow now new last yesterday week weekend monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december " +
		"hoy ayer mañana ahora nuevo nueva lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre " +
		"hoje ontem amanhã agora novo nova semana demain hier aujourd'hui maintenant nouveau nouvelle semaine heute gestern morgen jetzt neu neue woche oggi ieri domani adesso nuovo nuova settimana "
	return slices.ContainsFunc(tokens(sentence), func(t token) bool {
		return strings.Contains(words, " "+t.key+" ") || hasDigit(t.written)
	})
}
