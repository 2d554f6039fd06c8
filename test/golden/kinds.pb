{"name":"target_info","help":"Target metadata","type":"GAUGE"}
  {"label":[{"name":"process_command_args","value":"[\"node\",\"main.ts\"]"},{"name":"process_pid","value":"4711"},{"name":"service_name","value":"iris-gateway"},{"name":"service_version","value":"0.1.0"}],"gauge":{"value":1}}
  167 bytes
    0a0b7461726765745f696e666f120f546172676574206d6574616461746118012284010a2a0a1470726f636573735f636f6d6d616e645f6172677312
    125b226e6f6465222c226d61696e2e7473225d0a130a0b70726f636573735f7069641204343731310a1c0a0c736572766963655f6e616d65120c6972
    69732d676174657761790a180a0f736572766963655f76657273696f6e1205302e312e30120909000000000000f03f

{"name":"inference_requests_total","help":"Inference requests, by outcome","type":"COUNTER"}
  {"label":[{"name":"inference_model_name","value":"iris"},{"name":"inference_outcome","value":"success"},{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"counter":{"value":1234567,"exemplar":{"label":[{"name":"trace_id","value":"0af7651916cd43dd8448eb211c80319c"},{"name":"span_id","value":"b7ad6b7169203331"},{"name":"inference_upstream_name","value":"mlserver"}],"value":1,"timestamp":{"seconds":"1767229199","nanos":125000000}},"createdTimestamp":{"seconds":"1767225600","nanos":0}}}
  {"label":[{"name":"inference_model_name","value":"iris"},{"name":"inference_outcome","value":"failure"},{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"counter":{"value":0}}
  {"label":[{"name":"a","value":"true"},{"name":"otel_scope_name","value":"shop"},{"name":"z","value":"1"}],"counter":{"value":5}}
  663 bytes
    0a18696e666572656e63655f72657175657374735f746f74616c121e496e666572656e63652072657175657374732c206279206f7574636f6d651800
    22d8020a1c0a14696e666572656e63655f6d6f64656c5f6e616d651204697269730a1c0a11696e666572656e63655f6f7574636f6d65120773756363
    6573730a1c0a0f6f74656c5f73636f70655f6e616d6512096d65746572676174650a400a156f74656c5f73636f70655f736368656d615f75726c1227
    68747470733a2f2f6f70656e74656c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f74656c5f73636f70655f76657273696f
    6e1205302e312e301a9c01090000000087d632411286010a2c0a0874726163655f696412203061663736353139313663643433646438343438656232
    3131633830333139630a1b0a077370616e5f69641210623761643662373136393230333333310a230a17696e666572656e63655f757073747265616d
    5f6e616d6512086d6c73657276657211000000000000f03f1a0b088f8ed7ca0610c0b2cd3b1a080880f2d6ca06100022c4010a1c0a14696e66657265
    6e63655f6d6f64656c5f6e616d651204697269730a1c0a11696e666572656e63655f6f7574636f6d6512076661696c7572650a1c0a0f6f74656c5f73
    636f70655f6e616d6512096d65746572676174650a400a156f74656c5f73636f70655f736368656d615f75726c122768747470733a2f2f6f70656e74
    656c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f74656c5f73636f70655f76657273696f6e1205302e312e301a09090000
    00000000000022370a090a01611204747275650a170a0f6f74656c5f73636f70655f6e616d65120473686f700a060a017a1201311a09090000000000
    001440

{"name":"inference_request_duration_seconds","help":"Duration of inference requests","type":"HISTOGRAM","unit":"seconds"}
  {"label":[{"name":"inference_model_name","value":"iris"},{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"histogram":{"sampleCount":"6","sampleSum":63.5005,"bucket":[{"cumulativeCount":"1","upperBound":0.001},{"cumulativeCount":"3","upperBound":0.25,"exemplar":{"label":[{"name":"trace_id","value":"0af7651916cd43dd8448eb211c80319c"},{"name":"span_id","value":"b7ad6b7169203331"}],"value":0.2,"timestamp":{"seconds":"1767229199","nanos":125000000}}},{"cumulativeCount":"3","upperBound":10},{"cumulativeCount":"6","upperBound":"Infinity","exemplar":{"label":[{"name":"http_route","value":"/v2/models/{name}/infer"}],"value":12}}],"createdTimestamp":{"seconds":"1767225600","nanos":250000}}}
  {"label":[{"name":"inference_model_name","value":"_other"},{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"histogram":{"sampleCount":"2","sampleSum":0.5,"bucket":[{"cumulativeCount":"2","upperBound":"Infinity"}]}}
  650 bytes
    0a22696e666572656e63655f726571756573745f6475726174696f6e5f7365636f6e6473121e4475726174696f6e206f6620696e666572656e636520
    726571756573747318042a077365636f6e647322fe020a1c0a14696e666572656e63655f6d6f64656c5f6e616d651204697269730a1c0a0f6f74656c
    5f73636f70655f6e616d6512096d65746572676174650a400a156f74656c5f73636f70655f736368656d615f75726c122768747470733a2f2f6f7065
    6e74656c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f74656c5f73636f70655f76657273696f6e1205302e312e303ae001
    1a0b080111fca9f1d24d62503f1a6e080311000000000000d03f1a610a2c0a0874726163655f69641220306166373635313931366364343364643834
    34386562323131633830333139630a1b0a077370616e5f6964121062376164366237313639323033333331119a9999999999c93f1a0b088f8ed7ca06
    10c0b2cd3b1a0b08031100000000000024401a3d080611000000000000f07f1a300a250a0a687474705f726f75746512172f76322f6d6f64656c732f
    7b6e616d657d2f696e666572110000000000002840080611f2d24d6210c04f407a0a0880f2d6ca061090a10f22b7010a1e0a14696e666572656e6365
    5f6d6f64656c5f6e616d6512065f6f746865720a1c0a0f6f74656c5f73636f70655f6e616d6512096d65746572676174650a400a156f74656c5f7363
    6f70655f736368656d615f75726c122768747470733a2f2f6f70656e74656c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f
    74656c5f73636f70655f76657273696f6e1205302e312e303a181a0b080211000000000000f07f080211000000000000e03f

{"name":"http_server_request_body_size_bytes","type":"HISTOGRAM","unit":"bytes"}
  {"label":[{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"histogram":{"sampleCount":"4","sampleSum":"NaN","bucket":[{"cumulativeCount":"1","upperBound":1024},{"cumulativeCount":"2","upperBound":1048576},{"cumulativeCount":"3","upperBound":67108864},{"cumulativeCount":"4","upperBound":"Infinity"}]}}
  239 bytes
    0a23687474705f7365727665725f726571756573745f626f64795f73697a655f627974657318042a05627974657322be010a1c0a0f6f74656c5f7363
    6f70655f6e616d6512096d65746572676174650a400a156f74656c5f73636f70655f736368656d615f75726c122768747470733a2f2f6f70656e7465
    6c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f74656c5f73636f70655f76657273696f6e1205302e312e303a3f1a0b0801
    1100000000000090401a0b08021100000000000030411a0b08031100000000000090411a0b080411000000000000f07f080411000000000000f87f

{"name":"inference_active_requests","help":"Inference requests in flight","type":"GAUGE"}
  {"label":[{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"gauge":{"value":-3}}
  198 bytes
    0a19696e666572656e63655f6163746976655f7265717565737473121c496e666572656e636520726571756573747320696e20666c69676874180122
    88010a1c0a0f6f74656c5f73636f70655f6e616d6512096d65746572676174650a400a156f74656c5f73636f70655f736368656d615f75726c122768
    747470733a2f2f6f70656e74656c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f74656c5f73636f70655f76657273696f6e
    1205302e312e3012090900000000000008c0

{"name":"system_cpu_utilization_ratio","help":"Share of the time in each mode","type":"GAUGE"}
  {"label":[{"name":"cpu_mode","value":"user"},{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"gauge":{"value":0.30000000000000004}}
  {"label":[{"name":"cpu_mode","value":"idle"},{"name":"otel_scope_name","value":"metergate"},{"name":"otel_scope_schema_url","value":"https://opentelemetry.io/schemas/1.37.0"},{"name":"otel_scope_version","value":"0.1.0"}],"gauge":{"value":0.7}}
  378 bytes
    0a1c73797374656d5f6370755f7574696c697a6174696f6e5f726174696f121e5368617265206f66207468652074696d6520696e2065616368206d6f
    64651801229a010a100a086370755f6d6f64651204757365720a1c0a0f6f74656c5f73636f70655f6e616d6512096d65746572676174650a400a156f
    74656c5f73636f70655f736368656d615f75726c122768747470733a2f2f6f70656e74656c656d657472792e696f2f736368656d61732f312e33372e
    300a1b0a126f74656c5f73636f70655f76657273696f6e1205302e312e30120909343333333333d33f229a010a100a086370755f6d6f646512046964
    6c650a1c0a0f6f74656c5f73636f70655f6e616d6512096d65746572676174650a400a156f74656c5f73636f70655f736368656d615f75726c122768
    747470733a2f2f6f70656e74656c656d657472792e696f2f736368656d61732f312e33372e300a1b0a126f74656c5f73636f70655f76657273696f6e
    1205302e312e30120909666666666666e63f

{"name":"speed_meters_per_second","type":"GAUGE","unit":"meters_per_second"}
  {"label":[{"name":"otel_scope_name","value":"shop"}],"gauge":{"value":2.5}}
  84 bytes
    0a1773706565645f6d65746572735f7065725f7365636f6e6418012a116d65746572735f7065725f7365636f6e6422240a170a0f6f74656c5f73636f
    70655f6e616d65120473686f701209090000000000000440

{"name":"shelf_wait_seconds","help":"How long goods lay on the shelf","type":"SUMMARY","unit":"seconds"}
  {"label":[{"name":"kind","value":"tea"},{"name":"otel_scope_name","value":"shop"}],"summary":{"sampleCount":"17","sampleSum":71.5,"quantile":[{"quantile":0.5,"value":3},{"quantile":0.9,"value":8.25},{"quantile":0.99,"value":"NaN"}],"createdTimestamp":{"seconds":"1767225600","nanos":0}}}
  {"label":[{"name":"kind","value":"milk"},{"name":"otel_scope_name","value":"shop"}],"summary":{"sampleCount":"2","sampleSum":1}}
  241 bytes
    0a127368656c665f776169745f7365636f6e6473121f486f77206c6f6e6720676f6f6473206c6179206f6e20746865207368656c6618022a07736563
    6f6e647322790a0b0a046b696e6412037465610a170a0f6f74656c5f73636f70655f6e616d65120473686f7022510811110000000000e051401a1209
    000000000000e03f1100000000000008401a1209cdccccccccccec3f1100000000008020401a1209ae47e17a14aeef3f11000000000000f87f220808
    80f2d6ca06100022340a0c0a046b696e6412046d696c6b0a170a0f6f74656c5f73636f70655f6e616d65120473686f70220b080211000000000000f0
    3f

{"name":"shelf_height_meters","type":"HISTOGRAM","unit":"meters"}
  {"label":[{"name":"otel_scope_name","value":"shop"}],"histogram":{"sampleCount":"1","sampleSum":1,"schema":0,"zeroThreshold":1e-128,"zeroCount":"0","positiveSpan":[{"offset":0,"length":1}],"positiveDelta":["1"]}}
  93 bytes
    0a137368656c665f6865696768745f6d657465727318042a066d6574657273223c0a170a0f6f74656c5f73636f70655f6e616d65120473686f703a21
    080111000000000000f03f2800319d978ccf08ba5b2538006204080010016a0102
