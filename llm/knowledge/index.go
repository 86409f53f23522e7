package knowledge

import (
	"context"
	"fmt"
	"strconv"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/lang/pt"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"
)

// An Article is one text of a tenant: markdown, or what a file was turned into.
type Article struct {
	ID, Title, Text string
}

// A Passage is a part of an article that matches a question.
type Passage struct {
	Article string // id
	Title   string // of the article, with the headings above the passage
	Text    string
	Score   float64 // comparable within one search only
}

// relevant is the part of the best passage's score that another one needs to be worth its place in the prompt.
const relevant = .4

// Index is the passages of one tenant. It is never changed, and safe for concurrent use.
type Index struct {
	bleve    bleve.Index
	passages []Passage
}

// passage as it is indexed.
type indexed struct{ Title, Text string }

// NewIndex makes an index in memory.
func NewIndex(articles []Article) (*Index, error) {
	field := mapping.NewTextFieldMapping()
	field.Analyzer, field.Store, field.IncludeTermVectors = pt.AnalyzerName, false, false
	document := mapping.NewDocumentStaticMapping()
	document.AddFieldMappingsAt("Title", field)
	document.AddFieldMappingsAt("Text", field)
	m := mapping.NewIndexMapping()
	m.DefaultMapping = document
	m.DefaultAnalyzer = pt.AnalyzerName
	b, err := bleve.NewMemOnly(m)
	if err != nil {
		return nil, fmt.Errorf("make a knowledge index: %w", err)
	}
	x := &Index{bleve: b}
	batch := b.NewBatch()
	for _, a := range articles {
		for _, p := range split(a) {
			if err := batch.Index(strconv.Itoa(len(x.passages)), indexed{p.Title, p.Text}); err != nil {
				return nil, fmt.Errorf("index article %s: %w", a.ID, err)
			}
			x.passages = append(x.passages, p)
		}
	}
	if err := b.Batch(batch); err != nil {
		return nil, fmt.Errorf("make a knowledge index: %w", err)
	}
	return x, nil
}

// Search returns the at most n passages that match the question best, the best first; none when nothing matches. The
// question is taken as words, not as a query language.
func (x *Index) Search(ctx context.Context, question string, n int) ([]Passage, error) {
	if len(x.passages) == 0 {
		return nil, nil
	}
	title, text := bleve.NewMatchQuery(question), bleve.NewMatchQuery(question)
	title.SetField("Title")
	title.SetBoost(2)
	text.SetField("Text")
	for _, q := range []*query.MatchQuery{title, text} {
		q.Analyzer = pt.AnalyzerName
	}
	request := bleve.NewSearchRequestOptions(bleve.NewDisjunctionQuery(title, text), n, 0, false)
	found, err := x.bleve.SearchInContext(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("search knowledge: %w", err)
	}
	var out []Passage
	for _, hit := range found.Hits {
		i, err := strconv.Atoi(hit.ID)
		if err != nil || hit.Score < relevant*found.MaxScore {
			continue
		}
		p := x.passages[i]
		p.Score = hit.Score
		out = append(out, p)
	}
	return out, nil
}
