package infra

import (
	"encoding"
	"reflect"
	"regexp"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Variable describes one environment variable of a configuration, for its documentation.
type Variable struct {
	Name        string
	Type        string // in words
	Default     string // empty when there is none
	Allowed     string // comma-separated words; empty when any are
	Description string
	Required    bool
}

// Variables lists the variables that [Load] reads into such a struct, in the order of its fields.
func Variables(prefix string, into any) []Variable {
	var list []Variable
	for _, f := range fieldsOf(prefix, reflect.ValueOf(into).Elem()) {
		list = append(list, Variable{
			Name: f.name, Type: f.kind(), Default: f.tag.Get("default"), Allowed: f.tag.Get("allowed"),
			Description: f.tag.Get("desc"), Required: f.required(),
		})
	}
	return list
}

// field is one field of a configuration that one variable fills.
type field struct {
	name  string
	value reflect.Value
	tag   reflect.StructTag
}

// kind is what the variable holds, for people.
func (f field) kind() string {
	switch {
	case f.isDuration():
		return "duration"
	case f.value.CanInt(), f.value.CanUint():
		return "whole number"
	case f.value.CanFloat():
		return "number"
	case f.value.Kind() == reflect.Bool:
		return "true or false"
	}
	return "text"
}

func (f field) required() bool { return f.tag.Get("required") == "true" }
func (f field) secret() bool   { return f.tag.Get("secret") != "" }

// fieldsOf walks a struct. An embedded struct's variables have the same prefix, a named one's have its name added.
func fieldsOf(prefix string, v reflect.Value) []field {
	var fields []field
	for i := range v.NumField() {
		of := v.Type().Field(i)
		if !of.IsExported() {
			continue
		}
		name := of.Tag.Get("envconfig")
		if name == "" {
			name = prefix + "_" + upperSnake(of.Name)
		}
		switch {
		case of.Type.Kind() != reflect.Struct || decodes(v.Field(i)):
			fields = append(fields, field{name: name, value: v.Field(i), tag: of.Tag})
		case of.Anonymous:
			fields = append(fields, fieldsOf(prefix, v.Field(i))...)
		default:
			fields = append(fields, fieldsOf(name, v.Field(i))...)
		}
	}
	return fields
}

// decodes tells whether a struct reads itself from one text, as time.Time does.
func decodes(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case envconfig.Decoder, envconfig.Setter, encoding.TextUnmarshaler, encoding.BinaryUnmarshaler:
		return true
	}
	return false
}

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// upperSnake writes a Go name as a variable's: MaxConns as MAX_CONNS, HTTPAddr as HTTP_ADDR.
func upperSnake(name string) string {
	return strings.ToUpper(wordStart.ReplaceAllString(name, "${1}${3}_${2}${4}"))
}
