package claimcheck

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/offloadhq/offload/task"
)

const (
	// maxRemembered bounds the memory of uploads: more large tasks are hardly on their way at once. Each takes about 400 bytes.
	maxRemembered = 1024
	// rememberedFor is how long an upload is taken for done. It is far below what any store keeps.
	rememberedFor = time.Hour
)

// uploadID is what makes two uploads the same: the task, and its data before it is encoded.
type uploadID struct {
	task string
	data [sha256.Size]byte
}

// memory knows what was stored and may have to be sent again, so that an answer that is lost costs no second upload. The
// zero memory is empty and ready.
type memory struct {
	mu      sync.Mutex
	uploads map[string]upload // by task id; guarded by mu
	order   []string          // of ids, the oldest first, some of them forgotten; guarded by mu
}

type upload struct {
	id      uploadID
	payload task.Payload
	at      time.Time
}

func (m *memory) find(id uploadID) (task.Payload, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.uploads[id.task]
	if !ok || u.id != id || time.Since(u.at) > rememberedFor {
		return task.Payload{}, false
	}
	return u.payload, true
}

func (m *memory) add(id uploadID, p task.Payload) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.uploads == nil {
		m.uploads = map[string]upload{}
	}
	m.uploads[id.task] = upload{id, p, time.Now()}
	m.order = append(m.order, id.task)
	for len(m.order) > maxRemembered {
		delete(m.uploads, m.order[0])
		m.order = m.order[1:]
	}
}

func (m *memory) forget(taskID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.uploads, taskID)
}
