package hub

import (
	"context"

	"aihub/store"
)

// Readable returns a conversation that the person may read: their own, or, for staff, any of the tenant. A foreign id
// is answered exactly as an unknown one. Errors are *Error.
func Readable(ctx context.Context, who Principal, conv string) (store.Conversation, error) {
	return readable(ctx, who, conv)
}
