package sqs

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

const maxQueueName = 80

// source gives the random numbers that ids and receipt handles are made of.
// With the same numbers the same calls give the same ids.
type source interface{ Uint64() uint64 }

// registry holds all queues. Like a queue it is pure state: no clock, no lock,
// no goroutine.
type registry struct {
	region, account string
	random          source
	queues          map[string]*queue // by name
	serial          uint32
}

func newRegistry(region, account string, random source) *registry {
	return &registry{region: region, account: account, random: random, queues: map[string]*queue{}}
}

func (r *registry) arn(name string) string {
	return "arn:aws:sqs:" + r.region + ":" + r.account + ":" + name
}

// named finds a queue by name.
func (r *registry) named(name string) (*queue, error) {
	if q := r.queues[name]; q != nil {
		return q, nil
	}
	return nil, newError(codeQueueDoesNotExist,
		"The specified queue does not exist: %q. Create it first, or check its name, region (%s) and account (%s).", name, r.region, r.account)
}

// at finds a queue by ARN.
func (r *registry) at(arn string) (*queue, error) {
	if name, ok := strings.CutPrefix(arn, r.arn("")); ok {
		return r.named(name)
	}
	return nil, newError(codeQueueDoesNotExist, "The specified queue does not exist: %q is no ARN like %s.", arn, r.arn("NAME"))
}

// create makes a queue, or finds the one that has the name if each attribute
// given has the same value there.
func (r *registry) create(now time.Time, name string, attributes, tags map[string]string) (*queue, error) {
	if err := checkName(name, attributes); err != nil {
		return nil, err
	}
	set := defaultSettings()
	existing := r.queues[name]
	if existing != nil {
		set = existing.settings
	}
	if err := set.apply(attributes); err != nil {
		return nil, err
	}
	if existing != nil {
		return existing, sameSettings(existing, set, attributes)
	}
	if err := r.checkTarget(r.arn(name), set.redrive); err != nil {
		return nil, err
	}
	r.serial++
	q := newQueue(name, r.arn(name), r.serial, set, now)
	maps.Copy(q.tags, tags)
	r.queues[name] = q
	return q, nil
}

func sameSettings(q *queue, set settings, attributes map[string]string) error {
	was, is := q.settings.describe(), set.describe()
	for _, name := range sortedKeys(attributes) {
		if was[name] != is[name] {
			return newError(codeQueueNameExists, "A queue already exists with the same name and a different value for attribute %s: %q.", name, q.name)
		}
	}
	return nil
}

func checkName(name string, attributes map[string]string) error {
	if strings.HasSuffix(name, ".fifo") || attributes["FifoQueue"] == "true" {
		return newError(codeUnsupportedOperation, "Queue %q: FIFO queues are not supported here. Use a standard queue: no .fifo name, no FifoQueue attribute.", name)
	}
	valid := name != "" && len(name) <= maxQueueName
	for i := range len(name) {
		valid = valid && (alphanumeric(name[i]) || name[i] == '-' || name[i] == '_')
	}
	if !valid {
		return newError(codeInvalidParameterValue, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length: %q.", name)
	}
	return nil
}

// checkTarget verifies that the dead-letter queue of a policy exists, is
// another one, and lets the source use it.
func (r *registry) checkTarget(sourceARN string, p redrivePolicy) error {
	if p.target == "" {
		return nil
	}
	if p.target == sourceARN {
		return invalidPolicy(p.String(), "RedrivePolicy", "A queue cannot be its own dead letter target.")
	}
	target, err := r.at(p.target)
	if err != nil {
		return invalidPolicy(p.String(), "RedrivePolicy", "Dead letter target does not exist. Create it first.")
	}
	if !target.settings.allow.allows(sourceARN) {
		return invalidPolicy(p.String(), "RedrivePolicy", "The RedriveAllowPolicy of the dead letter target does not allow this source queue.")
	}
	return nil
}

// configure changes attributes of a queue: all of them or, on an error, none.
func (r *registry) configure(now time.Time, q *queue, attributes map[string]string) error {
	set := q.settings
	if err := set.apply(attributes); err != nil {
		return err
	}
	if _, given := attributes["RedrivePolicy"]; given {
		if err := r.checkTarget(q.arn, set.redrive); err != nil {
			return err
		}
	}
	q.settings = set
	q.modified = now
	return nil
}

func (r *registry) drop(q *queue) { delete(r.queues, q.name) }

// list returns the names that begin with prefix and follow after, in order.
func (r *registry) list(prefix, after string) []string {
	var names []string
	for name := range r.queues {
		if strings.HasPrefix(name, prefix) && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sourcesOf returns the names of the queues that dead-letter into q, in order.
func (r *registry) sourcesOf(q *queue, after string) []string {
	return slices.DeleteFunc(r.list("", after), func(name string) bool {
		return r.queues[name].settings.redrive.target != q.arn
	})
}

// send stores a message and returns its id.
func (r *registry) send(now time.Time, q *queue, p parcel) (string, error) {
	id := r.messageID()
	return id, q.send(now, id, p)
}

// receive takes messages from q and moves those that were received too often
// to the dead-letter queue. While that queue does not exist they are delivered
// still: nothing is lost.
func (r *registry) receive(now time.Time, q *queue, limit int, visibility *time.Duration) []Message {
	d := q.settings.visibility
	if visibility != nil {
		d = *visibility
	}
	var target *queue
	maxReceive := 0
	if policy := q.settings.redrive; policy.target != "" {
		if found, err := r.at(policy.target); err == nil {
			target, maxReceive = found, policy.maxReceive
		}
	}
	got, dead := q.receive(now, limit, d, maxReceive, r.random.Uint64)
	for _, m := range dead {
		target.adopt(m, q.arn)
	}
	if len(got) == 0 {
		return nil
	}
	messages := make([]Message, len(got))
	for i, m := range got {
		messages[i] = q.export(m)
	}
	return messages
}

// receipt reads a handle that must be one of q.
func (q *queue) receipt(handle string) (receipt, error) {
	r, ok := parseReceipt(handle)
	if !ok || r.serial != q.serial {
		return receipt{}, newError(codeReceiptHandleIsInvalid, "The input receipt handle %q is not a valid receipt handle of queue %q.", handle, q.name)
	}
	return r, nil
}

// messageID makes a random UUID (version 4).
func (r *registry) messageID() string {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], r.random.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], r.random.Uint64())
	return formatUUID(raw)
}

func formatUUID(raw [16]byte) string {
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:], raw[0:4])
	hex.Encode(text[9:], raw[4:6])
	hex.Encode(text[14:], raw[6:8])
	hex.Encode(text[19:], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
