// Centrifuge is a reference to measure beside: a small chat server on the library behind Centrifugo, with its defaults.
// It is a module of its own so that the project does not depend on it. It prints its address.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/debug"

	"github.com/centrifugal/centrifuge"
)

func main() {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
		c.OnRPC(func(e centrifuge.RPCEvent, done centrifuge.RPCCallback) {
			var q struct{ Room, Prompt string }
			if json.Unmarshal(e.Data, &q) != nil {
				done(centrifuge.RPCReply{}, centrifuge.ErrorBadRequest)
				return
			}
			go ask(node, q.Room, q.Prompt)
			done(centrifuge.RPCReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{CheckOrigin: func(*http.Request) bool { return true }}))
	mux.HandleFunc("/debug/free", func(http.ResponseWriter, *http.Request) { debug.FreeOSMemory() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	log.Fatal(http.Serve(l, mux))
}

var upstream = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10_000}}

// ask relays an answer of the model token by token.
func ask(node *centrifuge.Node, room, prompt string) {
	body, _ := json.Marshal(map[string]any{"model": "m", "stream": true, "messages": []any{map[string]any{"role": "user", "content": prompt}}})
	res, err := upstream.Post(os.Getenv("LOAD_UPSTREAM")+"/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		var chunk struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if !ok || json.Unmarshal(data, &chunk) != nil || len(chunk.Choices) == 0 || chunk.Choices[0].Delta.Content == "" {
			continue
		}
		text, _ := json.Marshal(map[string]string{"type": "token", "text": chunk.Choices[0].Delta.Content})
		if _, err := node.Publish(room, text); err != nil {
			return
		}
	}
}
