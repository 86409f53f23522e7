// Scripted is the tests' model server as a program, for trying things by hand and for measuring:
//
//	go run ./e2e/upstream/scripted -addr 127.0.0.1:9099 -script 'tokens=200 every=20ms'
//	OPENAI_BASE_URL=http://127.0.0.1:9099/v1 OPENAI_API_KEY=any OPENAI_MODEL=scripted go run .
//
// GET /journal shows what was asked, DELETE /journal forgets it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"aihub/e2e/upstream"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:9099", "where to listen")
	words := flag.String("script", "", "what answers are like, see package upstream; a message can change it")
	flag.Parse()
	script, err := upstream.Default().Set(*words)
	if err != nil {
		log.Fatal(err)
	}
	s, err := upstream.Listen(*addr, script)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("scripted model server at " + s.URL())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	<-ctx.Done()
	_ = s.Close()
}
