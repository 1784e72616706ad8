package awssim

import (
	"encoding/base64"
	"strings"
)

type secret struct {
	name  string
	text  string
	bytes []byte // instead of text
}

// Secret keeps a text under a name and returns the ARN. Called again, it replaces the text, as a rotation does.
func (a *AWS) Secret(name, text string) (arn string) { return a.keep(secret{name: name, text: text}) }

// SecretBytes is Secret for what is no text.
func (a *AWS) SecretBytes(name string, value []byte) (arn string) {
	return a.keep(secret{name: name, bytes: value})
}

func (a *AWS) keep(s secret) string {
	arn := "arn:aws:secretsmanager:" + Region + ":" + Account + ":secret:" + s.name + "-AbCdEf"
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets[arn] = &s
	return arn
}

// getSecretValue takes an ARN, whole or without the six random characters, or a name.
func (a *AWS) getSecretValue(r *request) (any, *refusal) {
	id := r.text("SecretId")
	a.mu.Lock()
	defer a.mu.Unlock()
	for arn, s := range a.secrets {
		if r.region != Region || id != arn && id != s.name && id != strings.TrimSuffix(arn, "-AbCdEf") {
			continue
		}
		answer := map[string]any{
			"ARN": arn, "Name": s.name, "VersionId": "00000000-0000-4000-8000-000000000000", "VersionStages": []string{"AWSCURRENT"},
		}
		if s.bytes != nil {
			answer["SecretBinary"] = base64.StdEncoding.EncodeToString(s.bytes)
		} else {
			answer["SecretString"] = s.text
		}
		return answer, nil
	}
	return nil, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}
