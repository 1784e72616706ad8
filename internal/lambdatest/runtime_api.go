package lambdatest

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// invocation is one event on its way through the Runtime API.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan answer
}

type answer struct {
	payload []byte
	failure string
}

func newInvocation(event []byte, timeout time.Duration) *invocation {
	return &invocation{id: randomID(), event: event, deadline: time.Now().Add(timeout), answer: make(chan answer, 1)}
}

// randomID returns an id in the form of a UUID.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

const (
	account  = "123456789012"
	region   = "eu-central-1"
	function = "arn:aws:lambda:" + region + ":" + account + ":function:function"
)

// routes are those of the Runtime API (version 2018-06-01) and the Extensions API (2020-01-01) that a runtime uses.
func (e *Environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.serveAnswer)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.serveAnswer)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.serveInitError)
	mux.HandleFunc("POST /2020-01-01/extension/register", e.serveRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", e.serveEvent)
	return mux
}

// serveNext blocks until there is an invocation.
func (e *Environment) serveNext(w http.ResponseWriter, r *http.Request) {
	p := e.now()
	if p == nil {
		http.Error(w, "no process of this environment", http.StatusForbidden)
		return
	}
	select {
	case p.asks <- struct{}{}:
	default:
		http.Error(w, "the process asks twice at a time", http.StatusForbidden)
		return
	}
	select {
	case i := <-p.next:
		for name, value := range map[string]string{
			"Lambda-Runtime-Aws-Request-Id":       i.id,
			"Lambda-Runtime-Deadline-Ms":          strconv.FormatInt(i.deadline.UnixMilli(), 10),
			"Lambda-Runtime-Invoked-Function-Arn": function,
			"Lambda-Runtime-Trace-Id":             "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
			"Content-Type":                        "application/json",
		} {
			w.Header().Set(name, value)
		}
		_, _ = w.Write(i.event) // to a process that is gone; whoever invoked it waits for that
	case <-r.Context().Done():
	case <-p.exited:
	}
}

// serveAnswer takes a response or an error for the invocation under way.
func (e *Environment) serveAnswer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	var i *invocation
	if e.proc != nil {
		i = e.proc.current
	}
	e.mu.Unlock()
	if i == nil || i.id != r.PathValue("id") || !json.Valid(body) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID")
		return
	}
	a := answer{payload: body}
	if r.URL.Path[len(r.URL.Path)-len("error"):] == "error" {
		a = answer{failure: string(body)}
	}
	select {
	case i.answer <- a:
		w.WriteHeader(http.StatusAccepted)
	default:
		refuse(w, http.StatusForbidden, "StateTransitionFailed") // answered already
	}
}

// serveInitError takes the report of a process that cannot start; it ends itself then.
func (e *Environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(&e.log, r.Body) // part of a report is better than none
	w.WriteHeader(http.StatusAccepted)
}

// serveRegister notes that the process is to get SIGTERM.
func (e *Environment) serveRegister(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Lambda-Extension-Name") == "" {
		refuse(w, http.StatusBadRequest, "Extension.InvalidExtensionName")
		return
	}
	e.mu.Lock()
	if e.proc != nil {
		e.proc.extension = true
	}
	e.mu.Unlock()
	w.Header().Set("Lambda-Extension-Identifier", randomID())
	_, _ = io.WriteString(w, `{"functionName": "function", "functionVersion": "$LATEST", "handler": "bootstrap"}`) // as above
}

// serveEvent blocks: an extension that has registered for no events gets none.
func (e *Environment) serveEvent(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Lambda-Extension-Identifier") == "" {
		refuse(w, http.StatusForbidden, "Extension.MissingExtensionIdentifier")
		return
	}
	<-r.Context().Done()
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errorType": %q, "errorMessage": "refused"}`, kind)
}
