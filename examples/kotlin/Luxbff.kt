// The sample of the guides, for Apollo Kotlin 4. Its API names were compared with the source of
// apollo-runtime; nothing here is compiled by this repository's tests.
package com.example.luxbff

import com.apollographql.apollo.ApolloClient
import com.apollographql.apollo.api.ApolloRequest
import com.apollographql.apollo.api.ApolloResponse
import com.apollographql.apollo.api.Operation
import com.apollographql.apollo.api.Subscription
import com.apollographql.apollo.exception.ApolloWebSocketClosedException
import com.apollographql.apollo.interceptor.ApolloInterceptor
import com.apollographql.apollo.interceptor.ApolloInterceptorChain
import com.apollographql.apollo.network.ws.GraphQLWsProtocol
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

data class Tokens(val access: String, val refresh: String)

/** The signed-in parent. [save] keeps new tokens where no other app can read them. */
class Session(url: String, tokens: Tokens, private val save: suspend (Tokens) -> Unit) {
  @Volatile
  var tokens = tokens
    private set

  private val anonymous = ApolloClient.Builder().serverUrl(url).build()
  private val mutex = Mutex()

  /** Refreshes once for all who found the same token too old; false where only a sign-in helps. */
  suspend fun refresh(tooOld: String): Boolean {
    mutex.withLock {
      if (tokens.access != tooOld) return true
      val answer = anonymous.mutation(RefreshMutation(tokens.refresh)).execute()
      val fresh = answer.data?.refreshToken?.tokens ?: return false
      tokens = Tokens(fresh.accessToken, fresh.refreshToken)
      save(tokens)
      return true
    }
  }
}

/** Sends the token with queries and mutations, and once more where it was too old. */
class TokenInterceptor(private val session: Session) : ApolloInterceptor {
  override fun <D : Operation.Data> intercept(
      request: ApolloRequest<D>,
      chain: ApolloInterceptorChain,
  ): Flow<ApolloResponse<D>> {
    if (request.operation is Subscription<*>) return chain.proceed(request)
    return flow {
      val used = session.tokens.access
      val response = chain.proceed(request.withToken(used)).first()
      val isTooOld = response.errors.orEmpty().any { it.extensions?.get("code") in listOf<Any?>("TOKEN_IS_EXPIRED", "UNAUTHENTICATED") }
      if (isTooOld && session.refresh(used)) {
        emitAll(chain.proceed(request.withToken(session.tokens.access)))
      } else {
        emit(response)
      }
    }
  }
}

private fun <D : Operation.Data> ApolloRequest<D>.withToken(token: String) =
    newBuilder().addHttpHeader("Authorization", "Bearer $token").build()

/** [installationId] is made once and kept: by it the server knows where the feed goes on. */
fun luxbff(url: String, installationId: String, session: Session) = ApolloClient.Builder()
    .serverUrl(url)
    .addInterceptor(TokenInterceptor(session))
    .wsProtocol(GraphQLWsProtocol.Factory(connectionPayload = {
      mapOf("Authorization" to "Bearer ${session.tokens.access}", "installationId" to installationId)
    }))
    .webSocketReopenWhen { failure, attempt ->
      if (failure is ApolloWebSocketClosedException && failure.code == 4403) {
        failure.reason == "Token is expired" && session.refresh(session.tokens.access)
      } else {
        delay(500L shl attempt.toInt().coerceIn(0, 6)) // up to half a minute
        true
      }
    }
    .build()

suspend fun follow(client: ApolloClient, show: (FeedSubscription.DevlogStatus) -> Unit) {
  client.subscription(FeedSubscription()).toFlow().collect { response ->
    response.data?.devlogStatus?.let(show)
  }
}

suspend fun home(client: ApolloClient): HomeQuery.Data = client.query(HomeQuery()).execute().dataOrThrow()
