package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// serve runs a reference inside the test binary, as a process of its own. It prints its address and never returns.
func serve(name string) {
	upstream, err := url.Parse(os.Getenv("LOAD_UPSTREAM"))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/free", func(http.ResponseWriter, *http.Request) { debug.FreeOSMemory() })
	switch name {
	case "raw":
		r := &raw{relayer: newRelayer(upstream), rooms: map[string]*rawRoom{}}
		mux.HandleFunc("/ws", r.serve)
	case "frame":
		f := &frames{relayer: newRelayer(upstream), rooms: map[string]*frameRoom{}}
		mux.HandleFunc("/ws", f.serve)
	case "passthrough":
		mux.Handle("/v1/", &httputil.ReverseProxy{FlushInterval: -1, Transport: &http.Transport{MaxIdleConnsPerHost: 10_000},
			Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(&url.URL{Scheme: upstream.Scheme, Host: upstream.Host}) }})
	default:
		panic("no reference " + name)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	panic(http.Serve(l, mux))
}

// raw is the usual shape of a chat server: rooms, a reader and a writer per connection, a channel between them.
type raw struct {
	relayer
	mu    sync.Mutex
	rooms map[string]*rawRoom
}

type rawRoom struct {
	mu      sync.RWMutex
	members map[*rawMember]struct{}
}

type rawMember struct {
	ws   *websocket.Conn
	out  chan []byte
	slow sync.Once
}

func (r *raw) room(name string) *rawRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms[name] == nil {
		r.rooms[name] = &rawRoom{members: map[*rawMember]struct{}{}}
	}
	return r.rooms[name]
}

func (r *raw) serve(w http.ResponseWriter, hr *http.Request) {
	ws, err := websocket.Accept(w, hr, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	room, m := r.room(hr.URL.Query().Get("room")), &rawMember{ws: ws, out: make(chan []byte, 256)}
	room.mu.Lock()
	room.members[m] = struct{}{}
	room.mu.Unlock()
	defer func() {
		room.mu.Lock()
		delete(room.members, m)
		room.mu.Unlock()
	}()
	go func() {
		for {
			select {
			case text := <-m.out:
				write, done := context.WithTimeout(ctx, 10*time.Second)
				err := ws.Write(write, websocket.MessageText, text)
				done()
				if err != nil {
					_ = ws.CloseNow()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		_, prompt, err := ws.Read(ctx)
		if err != nil {
			return
		}
		go r.relay(string(prompt), room.broadcast)
	}
}

func (room *rawRoom) broadcast(text []byte) {
	room.mu.RLock()
	defer room.mu.RUnlock()
	for m := range room.members {
		select {
		case m.out <- text:
		default:
			m.slow.Do(func() { go m.ws.Close(websocket.StatusPolicyViolation, "too slow") })
		}
	}
}

// relayer asks the model.
type relayer struct {
	upstream string
	http     *http.Client
}

func newRelayer(upstream *url.URL) relayer {
	return relayer{upstream.String(), &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10_000}}}
}

// relay hands on an answer of the model token by token.
func (r relayer) relay(prompt string, broadcast func(text []byte)) {
	body, _ := json.Marshal(map[string]any{"model": "m", "stream": true, "messages": []any{map[string]any{"role": "user", "content": prompt}}})
	res, err := r.http.Post(r.upstream+"/chat/completions", "application/json", bytes.NewReader(body))
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
		broadcast(text)
	}
}
