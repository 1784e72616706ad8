package cloud_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
)

func TestSecret_UnderstandsTheFormsOfAWS(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	for name, tt := range map[string]struct {
		text string
		want cloud.Secret
	}{
		"of Redshift": {
			`{"username":"u","password":"s3cret","engine":"redshift","host":"h","port":5439,"dbClusterIdentifier":"prod"}`,
			cloud.Secret{Login: cloud.Login{User: "u", Password: "s3cret"}, Host: "h", Port: 5439},
		},
		"of RDS, made by hand": {
			`{"username":"u","password":"s3cret","engine":"postgres","host":"h","port":"5432","dbname":"app"}`,
			cloud.Secret{Login: cloud.Login{User: "u", Password: "s3cret"}, Host: "h", Port: 5432, Database: "app"},
		},
		"of RDS, kept by RDS": {
			`{"username":"u","password":"s3 \"cr'e\\t"}`, cloud.Secret{Login: cloud.Login{User: "u", Password: `s3 "cr'e\t`}},
		},
	} {
		got, err := a.Client().Secret(t.Context(), "", a.Secret("app", tt.text))
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got): %v\n%s", name, err, diff)
		}
		var printed bytes.Buffer
		fmt.Fprintf(&printed, "%v %+v %#v %#v", got, got, got, got.Login)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", "secret", got, "login", got.Login, "both", []any{got, got.Login})
		if strings.Contains(printed.String(), tt.want.Password) || strings.Contains(printed.String(), "s3") {
			t.Errorf("%s: the password is printed: %s", name, &printed)
		}
	}
}

func TestSecret_SaysWhatIsMissingWithoutTheRest(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	for text, want := range map[string]string{
		`s3cret`:                            "it is no JSON object",
		`"s3cret"`:                          "it is no JSON object",
		`["s3cret"]`:                        "it is no JSON object",
		`null`:                              "it is no JSON object",
		`{"password":"s3cret"`:              "it is no JSON object",
		`{"password":"s3cret"}`:             "it has no text for username",
		`{"user":"s3cret","pass":"s3cret"}`: "it has no text for username and password",
		`{"username":"u","password":""}`:    "it has no text for password",
		`{"username":"u","password":98765}`: "it has no text for password",
		`{"username":"u","password":"s3cret","port":"s3cret"}`: "its port is no number",
		`{"username":"u","password":"s3cret","port":70000}`:    "its port is no number",
		`{"username":"u","password":"s3cret","port":0}`:        "its port is no number",
	} {
		_, err := a.Client().Secret(t.Context(), "", a.Secret("app", text))
		got := failure(t, err)
		if got.Kind != cloud.Invalid || !strings.Contains(got.Error(), want) || !strings.Contains(got.Hint(), `"username"`) {
			t.Errorf("%s: got %v, hint %q; want %s", text, got, got.Hint(), want)
		}
		if all := fmt.Sprintf("%+v %s", err, got.Hint()); strings.Contains(all, "s3cret") || strings.Contains(all, "98765") {
			t.Errorf("%s: the error has a value: %s", text, all)
		}
	}
	_, err := a.Client().Secret(t.Context(), "", a.SecretBytes("app", []byte("s3cret")))
	if got := failure(t, err); got.Kind != cloud.Invalid || !strings.Contains(got.Error(), "not text") {
		t.Errorf("got %v", got)
	}
}
