/** Writes a graph as ONNX bytes. */
import { create, toBinary } from '@bufbuild/protobuf';
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
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx/onnx_pb.ts';

/** Standard operator set the graphs are written against (ONNX 1.16, 2024). */
const opsetVersion = 21n;
const irVersion = 10n;

const dataTypes: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int64: DataType.INT64,
  int32: DataType.INT32,
  uint8: DataType.UINT8,
  int8: DataType.INT8,
  bool: DataType.BOOL,
};

/** A graph as ONNX Runtime takes it. */
export interface EncodedGraph {
  /** An ONNX model, whose large constants are elsewhere. */
  readonly model: Uint8Array;
  /** The large constants by the names under which the model speaks of them: views, not copies. */
  readonly constants: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/**
 * What computes `outputs`; nodes that no output needs are left out. Large constants, such as the weights of a model that
 * generates, stay where they are: in the message they would be copied several times over on their way into ONNX Runtime,
 * and a message holds less than 2 GiB.
 */
export function encodeGraph(graph: Graph, outputs: readonly Tensor[]): EncodedGraph {
  const { nodes, used } = reachable(graph, outputs);
  const constants = graph.constants.filter(({ tensor }) => used.has(tensor));
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
  return {
    model: toBinary(ModelProtoSchema, model),
    constants: constants
      .filter(({ data }) => isLarge(data))
      .map(({ tensor, data }) => ({ path: tensor.name, data: bytesOf(data) })),
  };
}

/** Small ones are better off in the message, where ONNX Runtime can compute with them before the first run. */
function isLarge(data: TensorData): boolean {
  return data.byteLength >= 4096;
}

function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
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
    ...(isLarge(data)
      ? {
          dataLocation: TensorProto_DataLocation.EXTERNAL,
          externalData: Object.entries({ location: tensor.name, length: String(data.byteLength) }).map(
            ([key, value]) => create(StringStringEntryProtoSchema, { key, value }),
          ),
        }
      : { rawData: bytesOf(data) }),
  });
}
