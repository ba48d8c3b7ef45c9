package transcode

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// order returns order number n as JSON: about 1 KB on the wire.
func order(n int) string {
	address := func(n int) string {
		return fmt.Sprintf(`{"street":"Rua das Flores %d","city":"Reykjavík","postalCode":"%04d-%03d","countryCode":"PT","latitude":38.7223,"longitude":-9.1393}`, n, 1000+n, n)
	}
	line := func(n int) string {
		return fmt.Sprintf(`{"sku":"SKU-%05d-A","title":"Stainless steel pour-over kettle, 1.2 litres","quantity":%d,"unitPriceMicros":"%d","currency":"EUR","history":["ORDER_STATE_PLACED","ORDER_STATE_PAID","ORDER_STATE_SHIPPED"],"packedAt":"2025-10-09T08:%02d:20Z"}`, n*37, 1+n, n*990000, n)
	}
	return fmt.Sprintf(`{"orderId":"ord_%016x","sequence":"%d","revision":7,"expedited":true,"total":149.37,"state":"ORDER_STATE_PAID",`+
		`"createdAt":"2025-10-09T08:53:20.125Z","updatedAt":"2025-10-09T09:53:20.000250Z","timeToShip":"7200s",`+
		`"customer":{"customerId":"cus_8f00b204","displayName":"Ana \"Nita\" Fernández de la Cruz","email":"ana.fernandez+1@example.com","home":%s,"phoneNumbers":["+351 21 555 0100","+41 44 555 0199"],"rating":4.5},`+
		`"lines":[%s,%s,%s],"labels":{"channel":"web","campaign":"autumn-2026","warehouse":"eu-3","gift-message":"Happy birthday, see you on Sunday"},`+
		`"counters":{"views":"127","edits":"3","reminders":"2"},"tags":["fragile","priority","insured","b2c"],"deltas":[1,-1,250,-1000,65536,-7,0,12],`+
		`"checksum":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","card":{"network":"VISA","lastFour":"4242","expiryMonth":12,"expiryYear":2029},`+
		`"note":"Leave it with the neighbour on the left.\nRing twice.","traceId":"16045725885737590445","addresses":{"billing":%s,"shipping":%s}}`,
		n*1000003, n, address(n), line(1), line(2), line(3), address(n+1), address(n+2))
}

func orderWire(tb testing.TB, md protoreflect.MessageDescriptor, n int) []byte {
	tb.Helper()
	m := dynamicpb.NewMessage(md)
	if err := protojson.Unmarshal([]byte(order(n)), m); err != nil {
		tb.Fatal(err)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
