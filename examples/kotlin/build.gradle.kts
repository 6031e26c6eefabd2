plugins {
  id("org.jetbrains.kotlin.jvm") version "2.1.21"
  id("com.apollographql.apollo") version "4.3.1"
}

dependencies {
  implementation("com.apollographql.apollo:apollo-runtime:4.3.1")
}

apollo {
  service("luxbff") {
    packageName.set("com.example.luxbff")
    mapScalarToKotlinString("Date")
    mapScalarToKotlinString("DateTime")
    mapScalarToKotlinString("LocalDateTime")
    alwaysGenerateTypesMatching.set(listOf("ErrorCode"))
    operationManifestFormat.set("persistedQueryManifest") // what TRUSTED_DOCUMENTS reads
  }
}
