package awserr_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/offloadhq/offload/internal/awserr"
)

func TestB3_PoolFitsManySenders(t *testing.T) {
	ca := x509.NewCertPool()
	for name, base := range map[string]*awshttp.BuildableClient{
		"none": nil,
		"certificates, as AWS_CA_BUNDLE sets them": awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.TLSClientConfig = &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12}
		}),
	} {
		pooled := awserr.Pooled(nil)
		if base != nil {
			pooled = awserr.Pooled(base)
		}
		h, ok := pooled.(*awshttp.BuildableClient)
		if !ok {
			t.Fatalf("%s: the HTTP client is a %T", name, pooled)
		}
		if timeout := h.GetDialer().Timeout; timeout > 5*time.Second {
			t.Errorf("%s: dialling may take %v", name, timeout)
		}
		tr := h.GetTransport()
		if tr.MaxIdleConnsPerHost < 128 || tr.MaxIdleConns < tr.MaxIdleConnsPerHost || tr.MaxConnsPerHost != 0 || tr.IdleConnTimeout >= time.Minute || tr.TLSHandshakeTimeout > 5*time.Second || tr.Proxy == nil {
			t.Errorf("%s: the pool is %+v", name, tr)
		}
		if !tr.TLSClientConfig.DynamicRecordSizingDisabled {
			t.Errorf("%s: a young connection cuts requests into small records", name)
		}
		if base != nil && tr.TLSClientConfig.RootCAs != ca {
			t.Errorf("%s: are lost", name)
		}
	}
	own := &http.Client{}
	if awserr.Pooled(own) != own {
		t.Error("an HTTP client of the caller is not used as it is")
	}
}
