{"name":"target_info","help":"Target metadata","type":"GAUGE"}
  {"label":[{"name":"1st","value":"x"},{"name":"a.b","value":"1"},{"name":"a_b","value":"2"},{"name":"key__name__","value":"y"}],"gauge":{"value":1}}
  93 bytes
    0a0b7461726765745f696e666f120f546172676574206d657461646174611801223b0a080a033173741201780a080a03612e621201310a080a03615f
    621201320a100a0b6b65795f5f6e616d655f5f120179120909000000000000f03f

{"name":"values","help":"A \"help\" with \\ and\na second line # HELP values","type":"GAUGE"}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"NaN"}],"gauge":{"value":"NaN"}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"+Inf"}],"gauge":{"value":"Infinity"}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"-Inf"}],"gauge":{"value":"-Infinity"}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"-0"}],"gauge":{"value":"-0"}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"smallest"}],"gauge":{"value":5e-324}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"largest"}],"gauge":{"value":1.7976931348623157e+308}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"2^53"}],"gauge":{"value":9007199254740992}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"1e21"}],"gauge":{"value":1e+21}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"1e-7"}],"gauge":{"value":1e-7}}
  666 bytes
    0a0676616c756573122f41202268656c70222077697468205c20616e640a61207365636f6e64206c696e6520232048454c502076616c756573180122
    400a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a080a017612034e614e120909000000
    000000f87f22410a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a090a017612042b496e
    66120909000000000000f07f22410a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a090a
    017612042d496e66120909000000000000f0ff223f0a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a
    6c696e650a070a017612022d30120909000000000000008022450a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c73
    6c6173680a6c696e650a0d0a01761208736d616c6c657374120909010000000000000022440a290a0f6f74656c5f73636f70655f6e616d6512167175
    6f746522206261636b5c736c6173680a6c696e650a0c0a017612076c617267657374120909ffffffffffffef7f22410a290a0f6f74656c5f73636f70
    655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a090a01761204325e3533120909000000000000404322410a290a0f6f74
    656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a090a017612043165323112090950efe2d6e41a4b4422
    410a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a090a0176120431652d3712090948af
    bc9af2d77a3e

{"name":"1.labels","type":"GAUGE"}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"} 1\nevil 1"}],"gauge":{"value":1}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"\"\\\n\""}],"gauge":{"value":2}}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"},{"name":"v","value":"größe 🙂 \t"}],"gauge":{"value":3}}
  {"label":[{"name":"2nd","value":"y"},{"name":"le","value":"x"},{"name":"otel.scope.name","value":"mine"},{"name":"otel_scope_name","value":"quote\" back\\slash\nline"}],"gauge":{"value":4}}
  329 bytes
    0a08312e6c6162656c73180122470a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e650a0f0a
    0176120a7d20310a6576696c2031120909000000000000f03f22410a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c
    736c6173680a6c696e650a090a01761204225c0a221209090000000000000040224b0a290a0f6f74656c5f73636f70655f6e616d65121671756f7465
    22206261636b5c736c6173680a6c696e650a130a0176120e6772c3b6c39f6520f09f99822009120909000000000000084022620a080a03326e641201
    790a070a026c651201780a170a0f6f74656c2e73636f70652e6e616d6512046d696e650a290a0f6f74656c5f73636f70655f6e616d65121671756f74
    6522206261636b5c736c6173680a6c696e651209090000000000001040

{"name":"h","type":"HISTOGRAM"}
  {"label":[{"name":"exported_le","value":"mine"},{"name":"otel_scope_name","value":"quote\" back\\slash\nline"}],"histogram":{"sampleCount":"15","sampleSum":"-Infinity","bucket":[{"cumulativeCount":"0","upperBound":"-Infinity"},{"cumulativeCount":"1","upperBound":-1},{"cumulativeCount":"3","upperBound":0},{"cumulativeCount":"6","upperBound":0.00001},{"cumulativeCount":"10","upperBound":1000000},{"cumulativeCount":"15","upperBound":"Infinity"}]}}
  163 bytes
    0a01681804229b010a130a0b6578706f727465645f6c6512046d696e650a290a0f6f74656c5f73636f70655f6e616d65121671756f74652220626163
    6b5c736c6173680a6c696e653a591a0b080011000000000000f0ff1a0b080111000000000000f0bf1a0b08031100000000000000001a0b080611f168
    e388b5f8e43e1a0b080a110000000080842e411a0b080f11000000000000f07f080f11000000000000f0ff

{"name":"q","type":"SUMMARY"}
  {"label":[{"name":"exported_quantile","value":"mine"},{"name":"le","value":"x"},{"name":"otel_scope_name","value":"quote\" back\\slash\nline"}],"summary":{"sampleCount":"9007199254740992","sampleSum":"Infinity","quantile":[{"quantile":0,"value":"-Infinity"},{"quantile":0.00001,"value":"-0"},{"quantile":0.5,"value":1e+21},{"quantile":1,"value":"NaN"}]}}
  187 bytes
    0a0171180222b3010a190a116578706f727465645f7175616e74696c6512046d696e650a070a026c651201780a290a0f6f74656c5f73636f70655f6e
    616d65121671756f746522206261636b5c736c6173680a6c696e65226208808080808080801011000000000000f07f1a120900000000000000001100
    0000000000f0ff1a1209f168e388b5f8e43e1100000000000000801a1209000000000000e03f1150efe2d6e41a4b441a1209000000000000f03f1100
    0000000000f87f

{"name":"q.sum","type":"GAUGE"}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"}],"gauge":{"value":1}}
  65 bytes
    0a05712e73756d180122360a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e65120909000000
    000000f03f

{"name":"h.count","type":"GAUGE"}
  {"label":[{"name":"otel_scope_name","value":"quote\" back\\slash\nline"}],"gauge":{"value":1}}
  67 bytes
    0a07682e636f756e74180122360a290a0f6f74656c5f73636f70655f6e616d65121671756f746522206261636b5c736c6173680a6c696e6512090900
    0000000000f03f
