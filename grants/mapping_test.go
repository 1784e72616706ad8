package grants_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/grants"
)

func TestMapping_IsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	m := grants.Mapping{}
	for _, text := range []string{
		"ann=ann_rs,bob = user:bob",
		`# who is who
		"Data, Team" = group:"data = all"   # a comment

		etl=role:etl, iam=IAM:ann
		odd="say ""hi""",
		ann=ann_rs`,
		"",
		`Public=p1, "PUBLIC"=p2`,
		"\"a\nb\" = group:\"c\r\n#d\" # e\r\n\r\n\t# f\nlast=\"\u00a0\",\n",
	} {
		if err := m.Add(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	want := grants.Mapping{
		"ann": {grants.User, "ann_rs"}, "bob": {grants.User, "bob"}, "Data, Team": {grants.Group, "data = all"},
		"etl": {grants.Role, "etl"}, "iam": {grants.User, "IAM:ann"}, "odd": {grants.User, `say "hi"`},
		"Public": {grants.User, "p1"}, "PUBLIC": {grants.User, "p2"},
		"a\nb": {grants.Group, "c\r\n#d"}, "last": {grants.User, "\u00a0"},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func TestMapping_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ann":                 `mapping: "ann" has no = behind the role`,
		"ann=":                `mapping: a name is missing before ""`,
		"=ann":                `mapping: a name is missing before "=ann"`,
		`ann=""`:              "mapping: a name is empty",
		`ann="b`:              "mapping: a double quote is not closed",
		`ann=b"c`:             `mapping: b"c has a quote within`,
		`ann="b" c`:           `mapping: "ann=\"b\" c" is more than one name`,
		"ann=group:":          `mapping: a name is missing before ""`,
		"public=ann":          "mapping: PUBLIC is everybody, who is nobody in particular on Redshift",
		"PUBLIC=ann":          "mapping: PUBLIC is everybody, who is nobody in particular on Redshift",
		`"public"=ann`:        "mapping: PUBLIC is everybody, who is nobody in particular on Redshift",
		"ann=\nbob=b":         `mapping, line 1: a name is missing before ""`,
		"ann=a\nbob=b\nann=b": "mapping, line 3: role ann is mapped to user a and to user b",
	} {
		err := grants.Mapping{}.Add(text)
		var wrong *grants.MappingError
		if !errors.As(err, &wrong) || err.Error() != want || wrong.Hint() == "" {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
