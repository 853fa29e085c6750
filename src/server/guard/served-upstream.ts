/** A model that is served in this process, as what the guard stands before: its HTTP interface without the network. */
import type { openAiApp } from '../openai/app.ts';
import type { Answerer, UpstreamCall } from './upstream.ts';

export class ServedUpstream implements Answerer {
  private readonly app: ReturnType<typeof openAiApp>;

  /** @param app without a key of its own: who may ask is the guard's business */
  constructor(app: ReturnType<typeof openAiApp>) {
    this.app = app;
  }

  async fetch({ method, path, body, signal, reading }: UpstreamCall): Promise<Response> {
    const request = new Request(`http://localhost${path}`, {
      method,
      headers: { host: 'localhost', 'content-type': 'application/json' },
      ...(body !== undefined && { body, duplex: 'half' as const }),
      signal,
    });
    try {
      const response = await this.app.fetch(request, { reading });
      if (response.status !== 200) reading?.ended();
      return response;
    } catch (error) {
      reading?.ended();
      throw error;
    }
  }
}
