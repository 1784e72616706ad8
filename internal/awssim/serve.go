package awssim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// operation is one action of one service.
type operation struct {
	about  string // the parameter that names its resource
	answer func(a *AWS, r *request) (any, *refusal)
}

var operations = map[string]operation{
	"redshift:GetClusterCredentials":        {"ClusterIdentifier", (*AWS).clusterCredentials},
	"redshift:GetClusterCredentialsWithIAM": {"ClusterIdentifier", (*AWS).clusterCredentialsWithIAM},
	"redshift:DescribeClusters":             {"ClusterIdentifier", (*AWS).describeClusters},
	"redshift-serverless:GetCredentials":    {"workgroupName", (*AWS).workgroupCredentials},
	"redshift-serverless:GetWorkgroup":      {"workgroupName", (*AWS).getWorkgroup},
	"secretsmanager:GetSecretValue":         {"SecretId", (*AWS).getSecretValue},
	"rds:DescribeDBInstances":               {"DBInstanceIdentifier", (*AWS).describeInstances},
	"sqs:SendMessage":                       {"QueueUrl", (*AWS).sendMessage},
	"sqs:SendMessageBatch":                  {"QueueUrl", (*AWS).sendMessageBatch},
	"sqs:ReceiveMessage":                    {"QueueUrl", (*AWS).receiveMessage},
	"sqs:DeleteMessage":                     {"QueueUrl", (*AWS).deleteMessage},
	"sqs:ChangeMessageVisibility":           {"QueueUrl", (*AWS).changeMessageVisibility},
}

// request is what the SDK sent, in either protocol.
type request struct {
	*http.Request
	service, action, region string
	form                    url.Values // of the query protocol; nil: JSON
	body                    []byte
	fields                  map[string]any
}

func (r *request) name() string { return r.service + ":" + r.action }

// text returns a parameter, or "".
func (r *request) text(name string) string {
	if r.form != nil {
		return r.form.Get(name)
	}
	text, _ := r.fields[name].(string)
	return text
}

// number returns a parameter, or what it is by default.
func (r *request) number(name string, byDefault int) int {
	n := byDefault
	if r.form != nil && r.form.Has(name) {
		_, _ = fmt.Sscan(r.form.Get(name), &n)
	}
	if number, ok := r.fields[name].(float64); ok {
		n = int(number)
	}
	return n
}

// refusal is an error of AWS.
type refusal struct {
	status        int
	code, message string
}

func refuse(code, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func (a *AWS) serve(w http.ResponseWriter, raw *http.Request) {
	r, refused := a.read(raw)
	if refused == nil {
		refused = a.faults.meet(r)
	}
	var answer any
	if refused == nil {
		answer, refused = a.answer(r)
	}
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	if r.form != nil {
		writeXML(w, r, answer, refused)
	} else {
		writeJSON(w, answer, refused)
	}
}

func (a *AWS) answer(r *request) (any, *refusal) {
	of, known := operations[r.name()]
	if !known {
		return nil, refuse("InvalidAction", "Could not find operation %s", r.name())
	}
	return of.answer(a, r)
}

// scope is the part of a signature that says who signed, and for what.
var scope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$`)

// read takes a request apart. Signatures are looked at, not computed anew.
func (a *AWS) read(raw *http.Request) (*request, *refusal) {
	r := &request{Request: raw}
	var err error
	if r.body, err = io.ReadAll(raw.Body); err != nil {
		return r, refuse("IncompleteBody", "the request was cut off")
	}
	if target := raw.Header.Get("X-Amz-Target"); target != "" {
		_, r.action, _ = strings.Cut(target, ".")
		if err := json.Unmarshal(r.body, &r.fields); err != nil {
			return r, refuse("SerializationException", "the body is no JSON")
		}
	} else if r.form, err = url.ParseQuery(string(r.body)); err != nil {
		return r, refuse("MalformedQueryString", "the body is no form")
	} else {
		r.action = r.form.Get("Action")
	}
	signed := scope.FindStringSubmatch(raw.Header.Get("Authorization"))
	if signed == nil {
		return r, &refusal{http.StatusForbidden, "MissingAuthenticationToken", "Missing Authentication Token"}
	}
	r.region, r.service = signed[2], signed[3]
	if signed[1] != accessKey {
		return r, &refusal{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
	}
	return r, nil
}

func writeXML(w http.ResponseWriter, r *request, answer any, refused *refusal) {
	w.Header().Set("Content-Type", "text/xml")
	if refused != nil {
		side := "Sender"
		if refused.status >= 500 {
			side = "Receiver"
		}
		w.WriteHeader(refused.status)
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Type    string   `xml:"Error>Type"`
			Code    string   `xml:"Error>Code"`
			Message string   `xml:"Error>Message"`
			ID      string   `xml:"RequestId"`
		}{Type: side, Code: refused.code, Message: refused.message, ID: "00000000"})
		return
	}
	e := xml.NewEncoder(w)
	response := xml.StartElement{Name: xml.Name{Local: r.action + "Response"}}
	_ = e.EncodeToken(response)
	_ = e.EncodeElement(answer, xml.StartElement{Name: xml.Name{Local: r.action + "Result"}})
	_ = e.EncodeToken(response.End())
	_ = e.Flush()
}

func writeJSON(w http.ResponseWriter, answer any, refused *refusal) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if refused != nil {
		w.WriteHeader(refused.status)
		answer = map[string]string{"__type": refused.code, "message": refused.message}
	}
	_ = json.NewEncoder(w).Encode(answer)
}
