import { defineConfig } from '@hey-api/openapi-ts';

const client = (service: string, path: string) => ({
  input: `../../schema/openapi/${service}.json`,
  output: { path, module: { extension: '.ts' } },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
} as const);

export default defineConfig([client('command-service', 'commands'), client('query-service', 'queries')]);
