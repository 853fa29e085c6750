/** Writes a graph as ONNX bytes. */
import { create, toBinary } from '@bufbuild/protobuf';
import { TenetError } from '../base/index.ts';
import type { Dim } from './dims.ts';
import type { AttributeValue, DType, Graph, GraphNode, Tensor, TensorData } from './graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx/onnx_pb.ts';

/** Standard operator set the graphs are written against (ONNX 1.16, 2024). */
const opsetVersion = 21n;
const irVersion = 10n;
/** Protobuf refuses messages of 2 GiB and more. */
const byteLimit = 2 ** 31 - 1;

const dataTypes: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int64: DataType.INT64,
  int32: DataType.INT32,
  uint8: DataType.UINT8,
  int8: DataType.INT8,
  bool: DataType.BOOL,
};

/**
 * ONNX bytes computing `outputs`; nodes that no output needs are left out.
 * @throws TenetError('shape') if the constants do not fit in one protobuf message (2 GiB).
 */
export function encodeGraph(graph: Graph, outputs: readonly Tensor[]): Uint8Array {
  const { nodes, used } = reachable(graph, outputs);
  const constants = graph.constants.filter(({ tensor }) => used.has(tensor));
  const bytes = constants.reduce((total, { data }) => total + data.byteLength, 0);
  if (bytes > byteLimit) {
    throw new TenetError(
      'shape',
      `encodeGraph: the constants take ${(bytes / 2 ** 30).toFixed(2)} GiB but one ONNX file holds less than 2 GiB; ` +
        'feed the weights as inputs instead of constants',
    );
  }
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'tenet',
    opsetImport: [
      { domain: '', version: opsetVersion },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'tenet',
      node: nodes.map(encodeNode),
      input: graph.inputs.filter((input) => used.has(input)).map(encodeValue),
      output: outputs.map(encodeValue),
      initializer: constants.map(({ tensor, data }) => encodeConstant(tensor, data)),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

/** The nodes that outputs need, in order, and every tensor they touch. */
function reachable(graph: Graph, outputs: readonly Tensor[]): { nodes: GraphNode[]; used: Set<Tensor> } {
  const used = new Set<Tensor>(outputs);
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes.slice().reverse()) {
    if (!node.outputs.some((output) => used.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) used.add(input);
  }
  return { nodes: nodes.reverse(), used };
}

function encodeNode(node: GraphNode): NodeProto {
  return create(NodeProtoSchema, {
    opType: node.operator,
    domain: node.domain,
    input: node.inputs.map((input) => input?.name ?? ''),
    output: node.outputs.map((output) => output.name),
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, value)),
  });
}

function encodeAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ('float' in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map((i) => BigInt(i)) });
}

function encodeValue(tensor: Tensor): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name: tensor.name,
    type: {
      value: {
        case: 'tensorType',
        value: { elemType: dataTypes[tensor.dtype], shape: { dim: tensor.shape.map(encodeDim) } },
      },
    },
  });
}

function encodeDim(dim: Dim) {
  return typeof dim === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(dim) } }
    : { value: { case: 'dimParam' as const, value: dim } };
}

function encodeConstant(tensor: Tensor, data: TensorData): TensorProto {
  return create(TensorProtoSchema, {
    name: tensor.name,
    dataType: dataTypes[tensor.dtype],
    dims: tensor.shape.map((dim) => BigInt(dim)),
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  });
}
