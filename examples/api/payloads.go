package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/claimcheck/s3store"
)

// payloads is the place of what is too large for a message: a directory, a bucket, or none.
type payloads struct {
	store claimcheck.Store // nil: none
	dir   *dirstore.Store  // nil: no directory
}

// openPayloads opens the directory OFFLOAD_PAYLOADS_DIR, or else the bucket OFFLOAD_PAYLOADS_BUCKET. Without either, Fire refuses
// what is too large.
func openPayloads(cfg aws.Config, getenv func(string) string) (p payloads, err error) {
	if dir := getenv("OFFLOAD_PAYLOADS_DIR"); dir != "" {
		if p.dir, err = dirstore.Open(dir, nil); err != nil {
			return payloads{}, err
		}
		p.store = p.dir
		return p, nil
	}
	if bucket := getenv("OFFLOAD_PAYLOADS_BUCKET"); bucket != "" {
		s, err := s3store.New(s3store.NewClient(cfg), bucket, nil)
		if err != nil {
			return payloads{}, err
		}
		p.store = s
	}
	return p, nil
}

// check puts a claim check in front of a road, if there is a place for payloads.
func (p payloads) check(road transport.Sender) (transport.Sender, error) {
	if p.store == nil {
		return road, nil
	}
	return claimcheck.NewSender(road, p.store, nil)
}

func (p payloads) close() error {
	if p.dir == nil {
		return nil
	}
	return p.dir.Close()
}
