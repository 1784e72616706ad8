package tickit

var givenNames = []string{
	"Ada", "Zoë", "Łukasz", "José", "François", "Åsa", "Jürgen", "Siân", "Nuño", "Ελένη", "Дмитрий", "שירה", "عمر",
	"太郎", "지민", "अनन्या", "Tuấn", "Ọlá", "Mary-Jane", "X Æ A-12",
}

var familyNames = []string{
	"Lovelace", "O'Brien", "Müller", "Nguyễn", "García Márquez", "Ångström", "Żółć", "Παπαδόπουλος", "Иванова", "山田",
	"김", "d'Arc", "Smith; DROP TABLE users", `Back\slash`, "van der Berg", "Çelik", "Þórsdóttir", "İnan",
}

var cities = []string{
	"New York", "Zürich", "São Paulo", "Reykjavík", "東京", "Łódź", "Malmö", "Québec", "Αθήνα", "Київ", "Saint John's", "",
}

var states = []string{"NY", "CA", "TX", "WA", "AB", "QC", "ZH", "  "}

var halls = []string{"Arena", "Opéra", "Theatre", "Stadium", "Hall", "劇場"}

var categoryNames = [categories][3]string{
	{"Sports", "MLB", "Major League Baseball"},
	{"Sports", "NHL", "National Hockey League"},
	{"Sports", "NFL", "National Football League"},
	{"Sports", "NBA", "National Basketball Association"},
	{"Sports", "MLS", "Major League Soccer"},
	{"Shows", "Musicals", "Musical theatre"},
	{"Shows", "Plays", "All non-musical theatre"},
	{"Shows", "Opera", "All opera and light opera"},
	{"Concerts", "Pop", "All rock and pop music concerts"},
	{"Concerts", "Jazz", "All jazz singers and bands"},
	{"Concerts", "Classical", "All symphony, concerto, and choir concerts"},
}

var eventNames = []string{
	"Gotterdammerung", "La Bohème", "Götterdämmerung", "Пиковая дама", "蝶々夫人", "Rock 'n' Roll Circus", `AC\DC Tribute`,
	`The "Quoted" Play`, "Jazz 🎷 Night", "Música, 100% en vivo", "Tab\there", "Line\nbreak", "comma, semi; colon: $$",
	"  padded  ", "ﬁ ligature", "e\u0301 combining", "👩‍👩‍👧‍👦 Family Show", "مسرح", "NULL", `\N`,
}
