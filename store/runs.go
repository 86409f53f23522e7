package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// Values of Run.State. The first two are not final.
const (
	RunAccepted    = "accepted"
	RunStreaming   = "streaming"
	RunComplete    = "complete"
	RunStopped     = "stopped"
	RunTakenOver   = "taken_over"
	RunFailed      = "failed"
	RunInterrupted = "interrupted"
)

// A Usage is what a run cost in tokens.
type Usage struct {
	In        int64 `bson:"entrada" json:"entrada"`
	Out       int64 `bson:"saida" json:"saida"`
	CachedIn  int64 `bson:"entrada_em_cache" json:"entrada_em_cache"` // part of In
	Reasoning int64 `bson:"raciocinio" json:"raciocinio"`             // part of Out
	Estimated bool  `bson:"estimado" json:"estimado"`
}

// A Run is how a model's answer came about. Whoever holds its Fence may change it until it is final; the fence grows
// when another instance takes the run over after its lease has ended.
type Run struct {
	ID           string    `bson:"id" json:"id"`
	UserID       string    `bson:"usuario_id" json:"usuario_id"` // who pays
	State        string    `bson:"estado" json:"estado"`
	Code         string    `bson:"codigo" json:"codigo"`
	Finish       string    `bson:"fim" json:"fim"`
	Provider     string    `bson:"provedor" json:"provedor"`
	Model        string    `bson:"modelo" json:"modelo"`               // in the provider's words
	Asked        string    `bson:"modelo_pedido" json:"modelo_pedido"` // in ours
	KeyFrom      string    `bson:"chave_de" json:"chave_de"`           // distribuidor, global, ensaio
	Usage        Usage     `bson:"uso" json:"uso"`
	Len          int64     `bson:"bytes" json:"bytes"`
	SHA          string    `bson:"sha256" json:"sha256"`
	Fence        int64     `bson:"cerca" json:"cerca"`
	LeaseUntil   time.Time `bson:"concessao" json:"concessao"`
	Instance     string    `bson:"instancia" json:"instancia"`
	Settled      bool      `bson:"liquidada" json:"liquidada"`
	CountUntil   time.Time `bson:"contagem_ate" json:"contagem_ate"`      // until when one instance alone may count it
	Cost         *int64    `bson:"custo,omitempty" json:"custo,omitzero"` // micro-units of currency, once it is settled; nil: the model has no price
	Price        *Price    `bson:"preco,omitempty" json:"preco,omitzero"` // that Cost is by
	Pending      string    `bson:"pendente" json:"pendente"`              // "sim" until it is settled; what the reaper looks for
	FirstTokenMS int64     `bson:"ms_primeiro_token" json:"ms_primeiro_token"`
	TotalMS      int64     `bson:"ms_total" json:"ms_total"`
	StartedAt    time.Time `bson:"inicio" json:"inicio"`
	Sources      []Source  `bson:"fontes" json:"fontes"`
}

// A Source is an article of the tenant that an answer refers to, under its title of that moment.
type Source struct {
	N     int64  `bson:"n" json:"n"` // how the answer's text refers to it: [1]
	ID    string `bson:"artigo_id" json:"artigo_id"`
	Title string `bson:"titulo" json:"titulo"`
}

// Progress is what a checkpoint stores.
type Progress struct {
	Text, Model, Asked, Provider, KeyFrom string
	LeaseUntil                            time.Time
	FirstTokenMS                          int64
}

// Final is how a run ended.
type Final struct {
	Text, State, Code, Finish, Model, Asked, Provider, KeyFrom, SHA string
	Len                                                             int64
	Usage                                                           Usage
	FirstTokenMS, TotalMS                                           int64
	Sources                                                         []Source
}

// settleGrace is how long a final run may stay unsettled before the reaper looks at it.
const settleGrace = 5 * time.Second

// RunByID returns the answer that carries the run, or ErrNotFound.
func (t *Tenant) RunByID(ctx context.Context, run string) (Interaction, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.interactions.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("execucao.id", run), doc.After("execucao.id", "")}})
}

// Checkpoint stores the text so far and renews the lease; ErrConflict when the run is final or the fence has moved.
func (t *Tenant) Checkpoint(ctx context.Context, msg string, fence int64, p Progress) error {
	return t.changeRun(ctx, msg, fence, nil, map[string]any{"texto": p.Text, "execucao.estado": RunStreaming, "execucao.modelo": p.Model, "execucao.modelo_pedido": p.Asked,
		"execucao.provedor": p.Provider, "execucao.chave_de": p.KeyFrom, "execucao.concessao": milli(p.LeaseUntil), "execucao.bytes": int64(len(p.Text)),
		"execucao.ms_primeiro_token": p.FirstTokenMS})
}

// FinishRun makes a run final; ErrConflict when it is already, or the fence has moved. To finish it again in the same way
// is harmless: the answer to the first time may have been lost.
func (t *Tenant) FinishRun(ctx context.Context, msg string, fence int64, f Final) error {
	err := t.changeRun(ctx, msg, fence, nil, map[string]any{"texto": f.Text, "execucao.estado": f.State, "execucao.codigo": f.Code, "execucao.fim": f.Finish,
		"execucao.modelo": f.Model, "execucao.modelo_pedido": f.Asked, "execucao.provedor": f.Provider, "execucao.chave_de": f.KeyFrom, "execucao.sha256": f.SHA, "execucao.bytes": f.Len,
		"execucao.fontes": f.Sources, "execucao.uso": f.Usage, "execucao.ms_primeiro_token": f.FirstTokenMS, "execucao.ms_total": f.TotalMS,
		"execucao.concessao": milli(t.store.now().Add(settleGrace))})
	if !errors.Is(err, ErrConflict) {
		return err
	}
	m, readErr := t.Message(ctx, msg)
	if readErr == nil && m.Run != nil && m.Run.Fence == fence && m.Run.State == f.State && m.Run.Code == f.Code && m.Run.SHA == f.SHA && m.Text == f.Text {
		return nil
	}
	return err
}

// TakeOverRun makes the caller the run's owner if its lease has ended before now and it is not final; ErrConflict
// otherwise. It returns the new fence.
func (t *Tenant) TakeOverRun(ctx context.Context, msg string, fence int64, now, leaseUntil time.Time, instance string) (int64, error) {
	err := t.changeRun(ctx, msg, fence, []doc.Cond{doc.Before("execucao.concessao", milli(now))},
		map[string]any{"execucao.cerca": fence + 1, "execucao.concessao": milli(leaseUntil), "execucao.instancia": instance})
	return fence + 1, err
}

// changeRun changes a run that is not final and whose fence is the caller's.
func (t *Tenant) changeRun(ctx context.Context, msg string, fence int64, conds []doc.Cond, set map[string]any) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	live := doc.In("execucao.estado", []string{RunAccepted, RunStreaming}) // in one step: a checkpoint beside this one may change one to the other
	ok, err := t.interactions.Update(ctx, msg, append([]doc.Cond{doc.Eq("execucao.cerca", fence), live}, conds...), doc.Mod{Set: set})
	if err == nil && !ok {
		err = ErrConflict
	}
	return err
}

// countFor is how long one instance has for counting a run; longer than any operation lasts.
const countFor = 10 * time.Second

// MarkSettled notes that a run's quota is settled, after it has counted the run in its day's use. It may be repeated and
// called by several instances: one of them does it, and a run is counted once.
func (t *Tenant) MarkSettled(ctx context.Context, msg string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	m, err := t.interactions.Get(ctx, msg)
	if errors.Is(err, ErrNotFound) || err == nil && (m.Run == nil || m.Run.Settled) {
		return nil
	}
	if err != nil {
		return err
	}
	now := t.now()
	mine, err := t.interactions.Update(ctx, msg, []doc.Cond{doc.Eq("execucao.pendente", "sim"), doc.Before("execucao.contagem_ate", now)},
		doc.Mod{Set: map[string]any{"execucao.contagem_ate": now.Add(countFor)}})
	if err != nil || !mine {
		return err
	}
	if m.Run.Cost, m.Run.Price, err = t.costOf(ctx, *m.Run); err != nil {
		return err
	}
	day, err := t.count(ctx, m)
	if err != nil {
		return err
	}
	set := map[string]any{"execucao.liquidada": true, "execucao.pendente": ""}
	if m.Run.Cost != nil {
		set["execucao.custo"] = *m.Run.Cost
	}
	if m.Run.Price != nil {
		set["execucao.preco"] = *m.Run.Price
	}
	ok, err := t.interactions.Update(ctx, msg, []doc.Cond{doc.Eq("execucao.pendente", "sim")}, doc.Mod{Set: set})
	if ok {
		t.store.noteCounted(t.id, day, m.Run.ID)
	}
	return err
}

// costOf is what a run cost by the tenant's catalogue, and the price that says so. Without a price the cost is unknown,
// unless nothing was used.
func (t *Tenant) costOf(ctx context.Context, r Run) (*int64, *Price, error) {
	models, err := t.Models(ctx)
	if err != nil {
		return nil, nil, err
	}
	price := PriceOf(models, r.Provider, r.Model, r.Asked)
	switch {
	case price != nil:
		cost := price.Of(r.Usage)
		return &cost, price, nil
	case r.Usage.In == 0 && r.Usage.Out == 0:
		return new(int64), nil, nil
	}
	return nil, nil, nil
}

// PriceOf finds the price of a provider's model ("": of any) under the first of its names that the catalogue has one for;
// nil: unknown.
func PriceOf(models []Model, provider string, names ...string) *Price {
	for _, name := range names {
		for _, m := range models {
			if m.Model == name && (provider == "" || m.Provider == provider) && m.Price != nil {
				return m.Price
			}
		}
	}
	return nil
}

// StaleRuns returns runs that somebody must end or settle: not final with an ended lease, or final and not settled for
// too long.
func (t *Tenant) StaleRuns(ctx context.Context, now time.Time, limit int) ([]Interaction, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.interactions.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("execucao.pendente", "sim"), doc.After("execucao.pendente", ""), doc.Before("execucao.concessao", milli(now))}, Limit: limit})
}

// milli is a time as both engines keep it.
func milli(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
