package awscall

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/offloadhq/offload/internal/awserr"
)

// draft is a request with the headers that a signature must cover, and no more: the signer goes through all of them each time.
// That is the host, the content type and what begins with X-Amz-; the body is covered by its hash. (AWS Identity and Access
// Management User Guide, "Create a signed AWS API request"; names are in lower case where that saves the signer a copy.)
type draft struct {
	request http.Request
	url     url.URL // the signer writes to it
}

// signature are the headers that the signer sets.
var signature = [...]string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"}

func (c *Client) draft(target []string) *draft {
	d, ok := c.drafts.Get().(*draft)
	if !ok {
		d = &draft{url: *c.endpoint.URL}
		d.request = http.Request{Method: c.blank.Method, URL: &d.url, Host: c.blank.Host, Header: http.Header{"content-type": contentType}}
	}
	for _, name := range signature {
		delete(d.request.Header, name)
	}
	d.request.Header["x-amz-target"] = target
	return d
}

// sign adds the signature for a body to the headers of r.
func (c *Client) sign(ctx context.Context, r *http.Request, body []byte, offset time.Duration, watch *awserr.Call) error {
	if c.anonymous {
		return nil
	}
	credentials, err := c.keys.Lend(c.credentials, watch).Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	var hash [2 * sha256.Size]byte
	hex.Encode(hash[:], sum[:])
	d := c.draft(r.Header["X-Amz-Target"])
	err = c.signer.SignHTTP(ctx, credentials, &d.request, string(hash[:]), c.service.Name, c.endpoint.Region, time.Now().Add(offset))
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	r.Host = d.request.Host // without a port that is the scheme's
	for _, name := range signature {
		if value, ok := d.request.Header[name]; ok {
			r.Header[name] = value
		}
	}
	c.drafts.Put(d)
	return nil
}
