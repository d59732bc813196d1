package awscall

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/offloadhq/offload/internal/awserr"
)

// signature are the headers that the signer sets. The draft and the request share their values, which are of one call.
var signature = [...]string{"Authorization", "X-Amz-Date", tokenHeader}

// sign adds the signature to the headers of r, whose memory is x.
func (c *Client) sign(ctx context.Context, r *http.Request, x *exchange, offset time.Duration, watch *awserr.Call) error {
	if c.anonymous {
		return nil
	}
	credentials, err := c.keys.Retrieve(ctx, c.credentials, watch)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(x.body)
	var hash [2 * sha256.Size]byte
	hex.Encode(hash[:], sum[:])
	d := &x.draft.request
	d.Host = c.blank.Host
	err = c.signer.SignHTTP(ctx, credentials, d, string(hash[:]), c.service.Name, c.endpoint.Region, time.Now().Add(offset))
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	r.Host = d.Host // without a port that is the scheme's
	for _, name := range signature {
		if value, ok := d.Header[name]; ok {
			r.Header[name] = value
		}
	}
	return nil
}
