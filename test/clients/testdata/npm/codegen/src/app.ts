// An app whose types come from the schema: it compiles only where each field has the
// type that the schema promises. The lines marked as errors must be errors.
import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import { graphql } from './gql';

const home = graphql(`
  query Home {
    me {
      firstName
      isEmailVerified
      notificationSettings {
        isDeviceMuted
      }
    }
    childUsers {
      id
      birthdate
      gender
      device {
        uniqueId
        lastLogFileId
      }
    }
  }
`);

const upload = graphql(`
  mutation Upload($logs: [DevlogInput!]!) {
    uploadDevlogs(input: { logs: $logs }) {
      devlogs {
        status
        finishFlag
        treatmentDate
      }
    }
  }
`);

export function names(data: ResultOf<typeof home>): string {
  const numbers: number[] = data.childUsers.map((child) => child.device?.lastLogFileId ?? 0);
  // @ts-expect-error A child may be without a device.
  const devices: (string | null)[] = data.childUsers.map((child) => child.device.uniqueId);
  // @ts-expect-error The first name of an account may be null.
  const name: string = data.me.firstName;
  return `${name}${numbers}${devices}`;
}

export const logs: VariablesOf<typeof upload> = {
  logs: [
    {
      childUserId: '1',
      deviceId: '1',
      uniqueId: 'unique0',
      treatmentDate: '2025-02-21T15:48:49',
      lastIntensity: 3,
      treatmentTime: 600,
    },
  ],
};
// @ts-expect-error The logs are missing.
export const none: VariablesOf<typeof upload> = {};
