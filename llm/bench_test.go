package llm_test

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aihub/llm"
	"aihub/llm/llmtest"
)

// BenchmarkAdded measures what the package adds to a chunk over a bare read of the same stream by net/http, in the same
// run, and reports the medians.
func BenchmarkAdded(b *testing.B) {
	for _, p := range []struct {
		provider string
		dialect  llmtest.Dialect
	}{{llm.OpenAI, llmtest.OpenAI{}}, {llm.Gemini, llmtest.Gemini{}}, {llm.GeminiOld, llmtest.Gemini{}}} {
		b.Run(p.provider, func(b *testing.B) {
			const chunks = 200
			var stream strings.Builder
			for i := range chunks {
				stream.WriteString(llmtest.Chunk(llmtest.Event(p.dialect.Text(fmt.Sprintf(" palavra%d", i)))))
			}
			tail := llmtest.Chunk(llmtest.Event(p.dialect.Finish(p.dialect.Stop()))+p.dialect.End()) + llmtest.LastChunk
			parts := strings.SplitAfter(stream.String(), "\n\n\r\n")
			up := llmtest.NewUpstream(b, func(c *llmtest.Conn) {
				c.Keep()
				c.Chunks()
				c.Send(parts...)
				c.Send(tail)
			})
			client := llm.New(llm.Options{})
			defer client.Close()
			target := llm.Target{ID: "bench", Provider: p.provider, BaseURL: up.URL, APIKey: llmtest.Canary, Model: "m-1", Private: true}
			var bare, full []time.Duration
			for b.Loop() {
				start := time.Now()
				resp, err := http.Post(up.URL, "application/json", strings.NewReader("{}"))
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "data: ") {
						n++
					}
				}
				resp.Body.Close()
				bare = append(bare, time.Since(start)/time.Duration(n))
				start = time.Now()
				n = 0
				for _, err := range client.Stream(b.Context(), []llm.Target{target}, llm.Request{Messages: []llm.Message{{Role: "user", Text: "Oi"}}}) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				full = append(full, time.Since(start)/time.Duration(n))
			}
			slices.Sort(bare)
			slices.Sort(full)
			b.ReportMetric(float64((full[len(full)/2]-bare[len(bare)/2]).Nanoseconds())/1000, "added-µs/chunk")
			b.ReportMetric(float64(bare[len(bare)/2].Nanoseconds())/1000, "bare-µs/chunk")
			b.ReportMetric(0, "ns/op")
		})
	}
}
