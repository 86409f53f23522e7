package hub

import "context"

// announceTags, followed by a conversation, tells the instance that keeps its entry in the live list of other tags.
const announceTags = "tags "

// Tag gives a conversation a tag of the staff, or takes it away, and returns those it has then. The live list shows it
// within its usual time. Errors are *Error.
func (h *Hub) Tag(ctx context.Context, who Principal, conv, tag string, on bool) ([]string, error) {
	if !who.staff() {
		return nil, E("forbidden")
	}
	c, err := readable(ctx, who, conv)
	if err != nil {
		return nil, err
	}
	tags, err := who.Tenant.SetTag(ctx, c.ID, tag, on)
	if err != nil {
		return nil, storeError(err)
	}
	action := "etiqueta.posta"
	if !on {
		action = "etiqueta.tirada"
	}
	h.audit(ctx, who, action, c.ID)
	if err := h.bus.Announce(tenantTopic(who.Tenant.ID()), []byte(announceTags+c.ID)); err != nil {
		h.log.Warn("tags are stored, the live list shows them later", "tenant", who.Tenant.ID().String(), "conversation", c.ID, "error", err)
	}
	return tags, nil
}

// reread makes the keeper look up a conversation's tags, if this instance keeps its entry.
func (r *registry) reread(t Topic) {
	r.mu.Lock()
	e := r.all[t]
	r.mu.Unlock()
	if e != nil {
		e.stale.Store(true)
	}
}
