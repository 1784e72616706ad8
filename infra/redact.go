package infra

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// Redacted writes a configuration struct on one line, Field=value, without its secrets: a field tagged secret:"true"
// shows only whether it is set, and passwords in URLs and connection strings are left out wherever they are.
func Redacted(cfg any) string {
	var parts []string
	redactStruct(reflect.Indirect(reflect.ValueOf(cfg)), "", &parts)
	return strings.Join(parts, " ")
}

func redactStruct(v reflect.Value, prefix string, parts *[]string) {
	for i := range v.NumField() {
		of := v.Type().Field(i)
		value := reflect.Indirect(v.Field(i))
		if !of.IsExported() || !value.IsValid() {
			continue
		}
		_, prints := value.Interface().(fmt.Stringer)
		switch {
		case of.Tag.Get("secret") == "true":
			*parts = append(*parts, prefix+of.Name+"="+hide(value))
		case of.Tag.Get("secret") == "url" && !strings.ContainsAny(fmt.Sprint(value.Interface()), "=/"):
			*parts = append(*parts, prefix+of.Name+"="+hide(value)) // no URL at all: it may be the bare password
		case value.Kind() == reflect.Struct && of.Anonymous:
			redactStruct(value, prefix, parts)
		case value.Kind() == reflect.Struct && (!prints || value.Type() == reflect.TypeFor[DatabaseConfig]()):
			redactStruct(value, prefix+of.Name+".", parts)
		default:
			*parts = append(*parts, prefix+of.Name+"="+RedactURL(fmt.Sprint(value.Interface())))
		}
	}
}

// Settings returns a configuration by the names of its variables, for a line of a log: without secrets. What is not set is
// told by its tag unset, which says what holds then, or left out.
func Settings(prefix string, cfg any) slog.Attr {
	var set []any
	for _, f := range fieldsOf(prefix, reflect.ValueOf(cfg).Elem()) {
		if f.value.IsZero() {
			if holds := f.tag.Get("unset"); holds != "" {
				set = append(set, slog.String(f.name, holds))
			}
			continue
		}
		value := f.value.Interface()
		text := fmt.Sprint(value)
		switch secret := f.tag.Get("secret"); {
		case secret == "true", secret == "url" && !strings.ContainsAny(text, "=/"): // no URL at all: it may be the bare password
			value = redacted
		case f.isDuration():
			value = text
		case f.value.Kind() == reflect.String:
			value = RedactURL(text)
		}
		set = append(set, slog.Any(f.name, value))
	}
	return slog.Group("config", set...)
}

func hide(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	return redacted
}

// secretWord is a password in libpq's keyword form, quoted or not.
var secretWord = regexp.MustCompile(`(?i)\b(\w*password\w*)\s*=\s*('(?:[^'\\]|\\.)*'?|[^\s&]*)`)

// RedactURL returns a connection URL or connection string without its passwords, any other text as it is. A URL that
// cannot be taken apart safely is left out as a whole.
func RedactURL(text string) string {
	if !strings.Contains(text, "://") {
		return secretWord.ReplaceAllString(text, "$1=xxxxx")
	}
	u, err := url.Parse(text)
	// An @ behind the host means that a part of the password was taken for host, path or query.
	if err != nil || strings.Contains(u.EscapedPath()+u.RawQuery+u.EscapedFragment(), "@") {
		return redacted
	}
	u.RawQuery = secretWord.ReplaceAllString(u.RawQuery, "$1=xxxxx")
	return u.Redacted()
}
