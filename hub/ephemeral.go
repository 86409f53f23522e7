package hub

import "bytes"

// An ephemeral message on the bus is the id of the session it comes from, a line feed, and the frame. One without a frame comes
// from an instance that is about to forget the conversation's entry in the registry: who serves its participant too keeps
// it anew.

func joinEphemeral(from string, frame []byte) []byte {
	return append(append([]byte(from), '\n'), frame...)
}

func splitEphemeral(data []byte) (from string, frame []byte, ok bool) {
	head, frame, ok := bytes.Cut(data, []byte{'\n'})
	return string(head), frame, ok
}
