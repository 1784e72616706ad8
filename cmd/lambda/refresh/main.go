// Command refresh is the function that refreshes views. SQS invokes it with the dispatcher's messages, and anybody may
// with {"view": "bi.sales"}, who then gets the run, or its failure. Package setup says what it needs.
package main

import "github.com/redcache/redcache/cmd/lambda/setup"

func main() {
	var cfg setup.Refresh
	f := setup.Load(&cfg, &cfg.Config)
	r := &refresher{function: f, cfg: cfg}
	f.Serve(r.invoke)
}
