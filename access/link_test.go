package access_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/redcache/redcache/access"
)

func TestLogin_HidesItsPassword(t *testing.T) {
	t.Parallel()
	login := access.Login{User: "IAM:cache_ro", Password: "Hq4Hidden"}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "login", login)
	for _, text := range []string{logged.String(), fmt.Sprint(login), fmt.Sprintf("%v %+v %#v %s", login, login, login, login), fmt.Sprintf("%+v", &login)} {
		if strings.Contains(text, login.Password) || !strings.Contains(text, login.User) {
			t.Errorf("printed as %s", text)
		}
	}
}
