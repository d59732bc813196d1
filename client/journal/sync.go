package journal

import "errors"

// maxUnsynced is how many bytes SyncInterval leaves unsynced, and keeps in memory until then, before a writer has to wait
// for a sync.
const maxUnsynced = 8 << 20

// tick is the work of an interval.
func (j *Journal) tick() {
	if err := j.syncWritten(false); err != nil {
		j.log.Error("journal: what was written cannot be synced; the next interval tries again", "error", err)
	}
}

// syncWritten syncs what SyncInterval has left unsynced; led says whether the lead is held. Writers go on meanwhile.
func (j *Journal) syncWritten(led bool) error {
	for {
		j.mu.Lock()
		if len(j.unsynced) == 0 {
			j.mu.Unlock()
			return nil
		}
		s := j.unsynced[0].segment
		upTo, broken := s.written, s.state == failed
		s.busy++
		j.mu.Unlock()
		err := errBroken
		if !broken {
			err = s.file.sync()
		}
		j.mu.Lock()
		s.busy--
		if err == nil {
			j.counts.syncs++
			j.synced(s, upTo)
			j.mu.Unlock()
			continue
		}
		j.mu.Unlock()
		if err := j.rescueUnsynced(s, led, err); err != nil {
			return err
		}
	}
}

var errBroken = errors.New("it failed before")

// synced lets go of the batches that are on the disk now. j.mu is held.
func (j *Journal) synced(s *segment, upTo int64) {
	for len(j.unsynced) > 0 {
		b := j.unsynced[0]
		if b.segment != s || b.at+int64(len(b.bytes)) > upTo {
			break
		}
		j.unsynced = j.unsynced[1:]
		j.unsyncedBytes -= len(b.bytes)
		s.busy--
		j.recycle(b)
	}
	j.settle(s)
}

// rescueUnsynced moves what a segment could not sync. The error says that it is unsynced still.
func (j *Journal) rescueUnsynced(s *segment, led bool, cause error) error {
	if !led {
		j.lead <- struct{}{}
		defer func() { <-j.lead }()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.unsynced) > 0 && j.unsynced[0].segment == s { // else a writer was faster
		return j.rescue(s, nil, cause)
	}
	return nil
}
