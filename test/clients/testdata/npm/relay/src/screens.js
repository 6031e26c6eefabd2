// The screens of an app written with Relay, as relay-compiler reads them.
import { graphql } from 'relay-runtime';

graphql`
  fragment screensDevice on Device {
    id
    uniqueId
    deviceAlias
    lastLogFileId
  }
`;

graphql`
  fragment screensChild on ChildUser {
    id
    firstName
    birthdate
    gender
    device {
      ...screensDevice
    }
  }
`;

graphql`
  fragment screensChildName on ChildUser @refetchable(queryName: "screensChildNameQuery") {
    firstName
    lastName
  }
`;

graphql`
  query screensHomeQuery {
    me {
      id
      firstName
      policy {
        isPushAgree
      }
    }
    childUsers {
      id
      ...screensChild
    }
  }
`;

graphql`
  query screensHistoryQuery($id: ID!, $count: Int!, $cursor: String) {
    childUser(id: $id) {
      id
      devlogs(first: $count, after: $cursor) @connection(key: "History_devlogs") {
        edges {
          node {
            id
            status
            treatmentDate
            logFileId
          }
        }
      }
    }
  }
`;

graphql`
  mutation screensRenameMutation($input: UpdateDeviceAliasInput!) {
    updateDeviceAlias(input: $input) {
      device {
        ...screensDevice
      }
    }
  }
`;

graphql`
  mutation screensUploadMutation($input: UploadDevlogsInput!) {
    uploadDevlogs(input: $input) {
      devlogs {
        id
        status
      }
    }
  }
`;

graphql`
  subscription screensFeedSubscription($after: String) {
    devlogStatus(after: $after) {
      cursor
      change
      devlog {
        id
        status
        logFileId
      }
      device {
        ...screensDevice
      }
    }
  }
`;
