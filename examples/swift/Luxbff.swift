// The sample of the guides, for Apollo iOS 1. Its API names were compared with the source of
// apollo-ios; nothing here is compiled by this repository's tests.
import Apollo
import ApolloAPI
import ApolloWebSocket
import Foundation
import LuxbffAPI

/// The signed-in parent. `save` keeps new tokens in the keychain.
final class Session {
  private let anonymous: ApolloClient
  private let save: (_ accessToken: String, _ refreshToken: String) -> Void
  private let lock = NSLock()
  private var waiting: [(Result<Void, any Error>) -> Void] = []
  private(set) var accessToken: String
  private(set) var expiresAt: Date
  private var refreshToken: String

  init(url: URL, accessToken: String, refreshToken: String, expiresAt: Date,
       save: @escaping (String, String) -> Void) {
    self.anonymous = ApolloClient(url: url)
    self.accessToken = accessToken
    self.refreshToken = refreshToken
    self.expiresAt = expiresAt
    self.save = save
  }

  struct SignedOut: Error {}

  /// Refreshes once for all who wait for it.
  func refresh(_ done: @escaping (Result<Void, any Error>) -> Void) {
    lock.lock()
    waiting.append(done)
    let isFirst = waiting.count == 1
    lock.unlock()
    guard isFirst else { return }
    anonymous.perform(mutation: RefreshMutation(refreshToken: refreshToken)) { result in
      self.finish(result.flatMap { answer -> Result<Void, any Error> in
        guard let fresh = answer.data?.refreshToken?.tokens else { return .failure(SignedOut()) }
        self.accessToken = fresh.accessToken
        self.refreshToken = fresh.refreshToken
        self.expiresAt = Date(timeIntervalSinceNow: TimeInterval(fresh.expiresIn))
        self.save(fresh.accessToken, fresh.refreshToken)
        return .success(())
      })
    }
  }

  private func finish(_ result: Result<Void, any Error>) {
    lock.lock()
    let all = waiting
    waiting = []
    lock.unlock()
    all.forEach { $0(result) }
  }
}

/// Sends the token.
final class TokenInterceptor: ApolloInterceptor {
  let id = UUID().uuidString
  private let session: Session

  init(session: Session) { self.session = session }

  func interceptAsync<Operation: GraphQLOperation>(
    chain: any RequestChain,
    request: HTTPRequest<Operation>,
    response: HTTPResponse<Operation>?,
    completion: @escaping (Result<GraphQLResult<Operation.Data>, any Error>) -> Void
  ) {
    request.addHeader(name: "Authorization", value: "Bearer \(session.accessToken)")
    chain.proceedAsync(request: request, response: response, interceptor: self, completion: completion)
  }
}

/// Refreshes a token that was too old, and sends the operation again: none of it has run.
final class RefreshInterceptor: ApolloInterceptor {
  let id = UUID().uuidString
  private let session: Session

  init(session: Session) { self.session = session }

  func interceptAsync<Operation: GraphQLOperation>(
    chain: any RequestChain,
    request: HTTPRequest<Operation>,
    response: HTTPResponse<Operation>?,
    completion: @escaping (Result<GraphQLResult<Operation.Data>, any Error>) -> Void
  ) {
    let codes = response?.parsedResponse?.errors?.compactMap { $0.extensions?["code"] as? String } ?? []
    guard codes.contains(where: ["TOKEN_IS_EXPIRED", "UNAUTHENTICATED"].contains) else {
      chain.proceedAsync(request: request, response: response, interceptor: self, completion: completion)
      return
    }
    session.refresh { result in
      switch result {
      case .success:
        chain.retry(request: request, completion: completion)
      case .failure(let error):
        chain.handleErrorAsync(error, request: request, response: response, completion: completion)
      }
    }
  }
}

final class Interceptors: DefaultInterceptorProvider {
  private let session: Session

  init(session: Session, store: ApolloStore) {
    self.session = session
    super.init(store: store)
  }

  override func interceptors<Operation: GraphQLOperation>(for operation: Operation) -> [any ApolloInterceptor] {
    [TokenInterceptor(session: session)] + super.interceptors(for: operation) + [RefreshInterceptor(session: session)]
  }
}

/// `installationID` is made once and kept: by it the server knows where the feed goes on.
final class Luxbff: WebSocketTransportDelegate {
  let client: ApolloClient
  private let session: Session
  private let installationID: String

  init(url: URL, socketURL: URL, installationID: String, session: Session) {
    self.session = session
    self.installationID = installationID
    let store = ApolloStore()
    let http = RequestChainNetworkTransport(
      interceptorProvider: Interceptors(session: session, store: store), endpointURL: url)
    let socket = WebSocketTransport(
      websocket: WebSocket(url: socketURL, protocol: .graphql_transport_ws),
      config: .init(connectOnInit: false))
    client = ApolloClient(
      networkTransport: SplitNetworkTransport(uploadingNetworkTransport: http, webSocketNetworkTransport: socket),
      store: store)
    socket.delegate = self
    socket.updateConnectingPayload(payload)
    socket.resumeWebSocketConnection()
  }

  private var payload: JSONEncodableDictionary {
    ["Authorization": "Bearer \(session.accessToken)", "installationId": installationID]
  }

  // The transport connects again by itself, with the payload that it has by then.
  func webSocketTransport(_ transport: WebSocketTransport, didDisconnectWithError error: (any Error)?) {
    guard session.expiresAt < Date() else { return }
    session.refresh { [weak transport, weak self] result in
      guard case .success = result, let self else {
        transport?.closeConnection() // the session has ended: let the parent sign in
        return
      }
      transport?.updateConnectingPayload(self.payload)
    }
  }

  func follow(_ show: @escaping (FeedSubscription.Data.DevlogStatus) -> Void) -> any Cancellable {
    client.subscribe(subscription: FeedSubscription()) { result in
      if let event = try? result.get().data?.devlogStatus { show(event) }
    }
  }
}
