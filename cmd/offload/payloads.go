package main

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/claimcheck/s3store"
)

// withPayloads puts a claim check in front of a road, if the environment names a place for payloads that are too large for a
// message: the directory OFFLOAD_PAYLOADS_DIR, or else the bucket OFFLOAD_PAYLOADS_BUCKET. A directory is open until the
// command ends.
func withPayloads(cfg aws.Config, road transport.Sender) (transport.Sender, error) {
	var store claimcheck.Store
	if dir := os.Getenv("OFFLOAD_PAYLOADS_DIR"); dir != "" {
		s, err := dirstore.Open(dir, nil)
		if err != nil {
			return nil, err
		}
		store = s
	} else if bucket := os.Getenv("OFFLOAD_PAYLOADS_BUCKET"); bucket != "" {
		s, err := s3store.New(s3store.NewClient(cfg), bucket, nil)
		if err != nil {
			return nil, err
		}
		store = s
	} else {
		return road, nil
	}
	return claimcheck.NewSender(road, store, nil)
}
