package redshift

import (
	"strings"
	"unicode"
)

// isMovingDate tells whether a text is one that Redshift reads as a date that moves with the clock, if it is read as a
// date at all: 'today', 'now()', 'tomorrow 08:00 Europe/Berlin'. Its parser, which is PostgreSQL's, goes by words, takes
// most punctuation for blanks, and refuses a text in which any word belongs to no date: 'The world today' is none.
func isMovingDate(text string) bool {
	moving, zones := 0, 0
	for rest := foldName(text); rest != ""; {
		word := leadingWord(rest)
		if word == "" {
			_, rest = splitRune(rest)
			continue
		}
		rest = rest[len(word):]
		switch {
		case movingWords[word]:
			moving++
		case zoneAreas[word] && strings.HasPrefix(rest, "/"):
			zones++
			rest = strings.TrimLeftFunc(rest, inZoneName)
		case dateWords[word]:
		case len(word) > 2 && strings.TrimLeft(rest, "+-0123456789") != rest: // a zone by POSIX: xyz-2, est5edt
			zones++
			rest = strings.TrimLeftFunc(rest, inZoneName)
		case zoneWords[word]:
			zones++
		default:
			return false
		}
	}
	return moving == 1 && zones <= 1
}

func leadingWord(text string) string {
	for i, r := range text {
		if !unicode.IsLetter(r) {
			return text[:i]
		}
	}
	return text
}

func splitRune(text string) (first rune, rest string) {
	for i, r := range text {
		if i > 0 {
			return first, text[i:]
		}
		first = r
	}
	return first, ""
}

func inZoneName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/_+-", r)
}

// The words that PostgreSQL's parser of dates takes, in lower case.
var (
	movingWords = wordSet(`now today tomorrow yesterday`)

	dateWords = wordSet(`
	january jan february feb march mar april apr may june jun july jul august aug september sep sept october oct november
	nov december dec monday mon tuesday tue tues wednesday wed weds thursday thu thur thurs friday fri saturday sat sunday
	sun ad bc am pm at on t z d h m s y mm j jd julian dow doy isodow isoyear dst epoch allballs infinity invalid undefined
	w su nz chat gb eire`)

	// zoneAreas are what stands before the first slash in the name of a zone.
	zoneAreas = wordSet(`africa america antarctica arctic asia atlantic australia brazil canada chile etc europe indian mexico
	mideast pacific posix right systemv us`)

	// zoneWords are the abbreviations that any of PostgreSQL's sets knows, and the names of zones without a slash.
	zoneWords = wordSet(`
	acdt acsst acst act acwst adt aedt aesst aest aft akdt akst almst almt amst amt anast anat aqtst aqtt arst art ast awsst
	awst azost azot azst azt bdst bdt bnt bort bot bra brst brt bst btt cadt cast cat cct cdt cest cet cetdst chadt chast
	chost chot chst chut cit ckt clst clt cot cst cvt cwst cxt davt ddut dnt easst east eat ect edt eest eet eetdst egst egt
	eit est fet fjst fjt fkst fkt fnst fnt fst fwt galt gamt gest get gft gilt gmt gst gyt hadt hast hdt hkt hmt hovst hovt
	hst ict idle idlw idt iot irdt irkst irkt irst irt ist it jayt jst jt kdt kgst kgt kost krast krat kst lhdt lhst ligt
	lint lkt magst magt mart mawt mdt mest mesz met metdst mewt mez mht mist mmt mpt msd msk mst mt must mut mvt myt nct ndt
	nft nor novst novt npt nrt nst nt nut nzdt nzst nzt omsst omst orat pdt pet petst pett pgt phot pht pkst pkt pmdt pmst
	pont pst pwt pyst pyt qyzt ret rott sadt sakst sakt samst samt sast sct set sgt sret srt sst swt syot taht tft tjt tkt
	tlt tmt tot trut tvt uct ulast ulat ut utc uyst uyt uzst uzt vet vlast vlat volt vost vut wadt wakt wast wat wdt west wet
	wetdst wft wgst wgt wib wit wita wsdt wsst wst xjt yakst yakt yapt yds yekst yekt yst zp zulu
	cuba egypt factory greenwich hongkong iceland iran israel jamaica japan kwajalein libya localtime navajo poland portugal
	posixrules prc roc rok singapore turkey universal`)
)
