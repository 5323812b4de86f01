"""The numbers that rtcstats puts for the names of methods, types and members (file format 3).

They are part of the format and are never given away twice: https://github.com/rtcstats/rtcstats.
"""

METHODS = {
    "g": "getStats", "1": "getStats", "2": "createOffer", "3": "createOfferOnSuccess", "4": "createAnswer",
    "5": "createAnswerOnSuccess", "6": "setLocalDescription", "7": "setLocalDescriptionOnSuccess",
    "8": "setRemoteDescription", "9": "setRemoteDescriptionOnSuccess", "10": "addIceCandidate",
    "11": "addIceCandidateOnSuccess", "12": "createOfferOnFailure", "13": "createAnswerOnFailure",
    "14": "setLocalDescriptionOnFailure", "15": "setRemoteDescriptionOnFailure",
    "16": "addIceCandidateOnFailure", "20": "onicecandidate", "21": "onicecandidateerror",
    "22": "ontrack", "23": "onsignalingstatechange",
    "24": "oniceconnectionstatechange", "25": "onconnectionstatechange", "26": "onicegatheringstatechange",
    "27": "onnegotiationneeded", "28": "ondatachannel", "30": "addTrack", "31": "addTrackOnSuccess",
    "32": "addTransceiver", "33": "addTransceiverOnSuccess", "34": "removeTrack", "35": "createDataChannel",
    "36": "close", "37": "restartIce", "38": "setConfiguration", "39": "create", "40": "constraints",
    "41": "setCodecPreferences", "42": "setHeaderExtensionsToNegotiate", "50": "setParameters",
    "51": "replaceTrack", "60": "navigator.mediaDevices.getUserMedia",
    "61": "navigator.mediaDevices.getUserMediaOnSuccess",
    "62": "navigator.mediaDevices.getUserMediaOnFailure",
    "63": "navigator.mediaDevices.getDisplayMedia", "64": "navigator.mediaDevices.getDisplayMediaOnSuccess",
    "65": "navigator.mediaDevices.getDisplayMediaOnFailure", "66": "navigator.mediaDevices.enumerateDevices",
    "67": "navigator.mediaDevices.ondevicechange", "70": "MediaStreamTrack.stop",
    "71": "MediaStreamTrack.applyConstraints", "72": "MediaStreamTrack.onended",
    "73": "MediaStreamTrack.onmute", "74": "MediaStreamTrack.onunmute", "80": "HTMLMediaElement.resize",
}  # fmt: skip
"""65 is what their table calls a second 62: the failure of getDisplayMedia, by its place."""

TYPES = (
    "", "inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "remote-outbound-rtp", "transport",
    "candidate-pair", "local-candidate", "remote-candidate", "data-channel", "peer-connection", "certificate",
    "media-source", "media-playout", "codec",
)  # fmt: skip
"""By their numbers, which begin at 1."""

_MEMBERS = """
payloadType transportId mimeType clockRate channels sdpFmtpLine ssrc kind codecId -
packetsReceived packetsLost jitter trackIdentifier mid remoteId framesDecoded keyFramesDecoded framesDropped
frameWidth frameHeight framesPerSecond qpSum totalDecodeTime totalInterFrameDelay totalSquaredInterFrameDelay
pauseCount totalPausesDuration freezeCount totalFreezesDuration lastPacketReceivedTimestamp
headerBytesReceived packetsDiscarded fecPacketsReceived fecPacketsDiscarded fecBytesReceived fecSsrc
bytesReceived nackCount firCount pliCount totalProcessingDelay estimatedPlayoutTimestamp jitterBufferDelay
jitterBufferTargetDelay jitterBufferEmittedCount jitterBufferMinimumDelay totalSamplesReceived
concealedSamples silentConcealedSamples concealmentEvents insertedSamplesForDeceleration
removedSamplesForAcceleration audioLevel totalAudioEnergy totalSamplesDuration framesReceived
decoderImplementation playoutId powerEfficientDecoder framesAssembledFromMultiplePackets totalAssemblyTime
contentType googTimingFrameInfo retransmittedPacketsReceived retransmittedBytesReceived rtxSsrc
totalCorruptionProbability totalSquaredCorruptionProbability corruptionMeasurements localId roundTripTime
totalRoundTripTime fractionLost roundTripTimeMeasurements packetsSent bytesSent mediaSourceId rid
encodingIndex headerBytesSent retransmittedPacketsSent retransmittedBytesSent targetBitrate
totalEncodedBytesTarget framesSent hugeFramesSent framesEncoded keyFramesEncoded totalEncodeTime
totalPacketSendDelay qualityLimitationReason qualityLimitationDurations qualityLimitationResolutionChanges
encoderImplementation powerEfficientEncoder active scalabilityMode remoteTimestamp reportsSent echoReturnLoss
echoReturnLossEnhancement width height frames synthesizedSamplesDuration synthesizedSamplesEvents
totalPlayoutDelay totalSamplesCount dataChannelsOpened dataChannelsClosed label protocol dataChannelIdentifier
state messagesSent messagesReceived iceRole iceLocalUsernameFragment dtlsState iceState
selectedCandidatePairId localCertificateId remoteCertificateId tlsVersion dtlsCipher dtlsRole srtpCipher
selectedCandidatePairChanges rtcpTransportStatsId address port candidateType priority url relayProtocol
foundation relatedAddress relatedPort usernameFragment tcpType networkType isRemote ip localCandidateId
remoteCandidateId nominated lastPacketSentTimestamp currentRoundTripTime availableOutgoingBitrate
availableIncomingBitrate requestsReceived requestsSent responsesReceived responsesSent consentRequestsSent
packetsDiscardedOnSend bytesDiscardedOnSend writable fingerprint fingerprintAlgorithm base64Certificate
issuerCertificateId psnrMeasurements psnrSum packetsReceivedWithEct1 packetsReceivedWithCe
packetsReportedAsLost packetsReportedAsLostButRecovered packetsWithBleachedEct1Marking packetsSentWithEct1
ccfbMessagesSent ccfbMessagesReceived
"""

MEMBERS = {"t": "timestamp"} | {
    str(number): name for number, name in enumerate(_MEMBERS.split(), start=4) if name != "-"
}
