{"name":"request_duration_seconds","help":"The example of the OpenTelemetry specification, and a series beside it","type":"HISTOGRAM","unit":"seconds"}
  {"label":[{"name":"of","value":"specification"}],"histogram":{"sampleCount":"37","sampleSum":300,"schema":1,"zeroThreshold":1e-128,"zeroCount":"0","positiveSpan":[{"offset":4,"length":1},{"offset":2,"length":3}],"positiveDelta":["10","10","-15","-3"],"createdTimestamp":{"seconds":"1767225600","nanos":0},"exemplars":[{"label":[{"name":"trace_id","value":"0af7651916cd43dd8448eb211c80319c"},{"name":"span_id","value":"b7ad6b7169203331"}],"value":4,"timestamp":{"seconds":"1767229199","nanos":125000000}},{"label":[{"name":"http_route","value":"/"}],"value":15,"timestamp":{"seconds":"1767229199","nanos":250000000}},{"value":15.5,"timestamp":{"seconds":"1767229199","nanos":500000000}}]}}
  {"label":[{"name":"of","value":"coarser"}],"histogram":{"sampleCount":"3","sampleSum":20,"schema":-1,"zeroThreshold":1e-128,"zeroCount":"0","positiveSpan":[{"offset":1,"length":2}],"positiveDelta":["1","1"]}}
  409 bytes
    0a18726571756573745f6475726174696f6e5f7365636f6e64731246546865206578616d706c65206f6620746865204f70656e54656c656d65747279
    2073706563696669636174696f6e2c20616e642061207365726965732062657369646520697418042a077365636f6e647322f4010a130a026f66120d
    73706563696669636174696f6e3adc010825110000000000c072402802319d978ccf08ba5b2538006204080810016204080410036a0414141d057a08
    0880f2d6ca0610008201610a2c0a0874726163655f6964122030616637363531393136636434336464383434386562323131633830333139630a1b0a
    077370616e5f69641210623761643662373136393230333333311100000000000010401a0b088f8ed7ca0610c0b2cd3b8201270a0f0a0a687474705f
    726f75746512012f110000000000002e401a0b088f8ed7ca061080e59a77820117110000000000002f401a0c088f8ed7ca061080cab5ee0122330a0d
    0a026f661207636f61727365723a2208031100000000000034402801319d978ccf08ba5b2538006204080210026a020202

{"name":"fine","help":"Scale 9, made coarser: 0-1 and 2 are buckets 0 and 1 of schema 8","type":"HISTOGRAM"}
  {"histogram":{"sampleCount":"10","sampleSum":6.01,"schema":8,"zeroThreshold":1e-128,"zeroCount":"4","positiveSpan":[{"offset":1,"length":2}],"positiveDelta":["3","0"]}}
  112 bytes
    0a0466696e6512405363616c6520392c206d61646520636f61727365723a20302d3120616e64203220617265206275636b657473203020616e642031
    206f6620736368656d612038180422243a22080a110ad7a3703d0a18402810319d978ccf08ba5b2538046204080210026a020600

{"name":"both_signs","type":"HISTOGRAM"}
  {"histogram":{"sampleCount":"15","sampleSum":-30.5,"schema":0,"zeroThreshold":0.001,"zeroCount":"2","negativeSpan":[{"offset":2,"length":2}],"negativeDelta":["4","1"],"positiveSpan":[{"offset":-1,"length":1},{"offset":1,"length":1}],"positiveDelta":["1","2"]}}
  68 bytes
    0a0a626f74685f7369676e73180422343a32080f110000000000803ec0280031fca9f1d24d62503f38024a0408041002520208026204080110016204
    080210016a020204

{"name":"nothing_yet","type":"HISTOGRAM"}
  {"histogram":{"sampleCount":"0","sampleSum":0,"schema":8,"zeroThreshold":1e-128,"zeroCount":"0"}}
  43 bytes
    0a0b6e6f7468696e675f7965741804221a3a1808001100000000000000002810319d978ccf08ba5b253800

{"name":"too_coarse","type":"HISTOGRAM"}
  14 bytes
    0a0a746f6f5f636f617273651804

{"name":"without_sum","type":"HISTOGRAM"}
  15 bytes
    0a0b776974686f75745f73756d1804
