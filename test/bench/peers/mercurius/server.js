// The home screen on Mercurius: the same tables on PostgreSQL, the same access token, the
// same document. A loader reads the devices of all children at once. As Node runs on one
// core, there is a process for each.
import cluster from 'node:cluster'
import { createPublicKey } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { createVerifier } from 'fast-jwt'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import pg from 'pg'

const { DATABASE_URL, PORT, JWKS } = process.env

const schema = `
  type Query { me: User!  childUsers: [ChildUser!]! }
  type User { id: ID!  firstName: String  needsPersonalInfoUpdate: Boolean!  needsPasswordChange: Boolean! }
  type ChildUser { id: ID!  firstName: String!  birthdate: String!  gender: String!  device: Device }
  type Device { id: ID!  uniqueId: String  deviceAlias: String!  firmwareVersion: String!  lastLogFileId: Int! }
`

// Named statements stay prepared on their connection.
const statements = {
  me: `SELECT id, first_name AS "firstName", false AS "needsPersonalInfoUpdate", false AS "needsPasswordChange"
    FROM users WHERE id = $1 AND deleted_at IS NULL`,
  children: 'SELECT id, first_name AS "firstName", birthdate, gender FROM child_users WHERE root_user_id = $1 ORDER BY id',
  devices: `SELECT child_user_id, id, unique_id AS "uniqueId", device_alias AS "deviceAlias",
    firmware_version AS "firmwareVersion", last_log_file_id AS "lastLogFileId" FROM devices WHERE child_user_id = ANY($1)`,
}

async function serve() {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 8 })
  const rows = async (name, value) => (await pool.query({ name, text: statements[name], values: [value] })).rows
  const verify = createVerifier({
    key: createPublicKey({ key: JSON.parse(JWKS).keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    algorithms: ['EdDSA'],
  })
  const app = Fastify()
  await app.register(mercurius, {
    schema,
    jit: 1,
    context: request => ({ account: verify(request.headers.authorization.slice('Bearer '.length)).sub }),
    resolvers: {
      Query: {
        me: async (_, __, context) => (await rows('me', context.account))[0],
        childUsers: (_, __, context) => rows('children', context.account),
      },
    },
    loaders: {
      ChildUser: {
        async device(queries) {
          const found = await rows('devices', queries.map(query => query.obj.id))
          return queries.map(query => found.find(device => device.child_user_id === query.obj.id))
        },
      },
    },
  })
  app.get('/ready', async () => 'ready')
  await app.listen({ host: '127.0.0.1', port: Number(PORT) })
}

if (cluster.isPrimary) {
  for (let i = 0; i < availableParallelism(); i++) cluster.fork()
  cluster.on('exit', () => process.exit(1))
  process.on('SIGTERM', () => process.exit(0))
} else {
  await serve()
}
