; What Windows is told of the program, all of it for this user only (HKCU): file types, Settings > Apps.

!define TOMOGRAM "SXTStudio.tomogram"
!define PROJECT "SXTStudio.project"
!define CLASSES "Software\Classes"
!define CAPABILITIES "${KEY}\Capabilities"

; A type is offered under "Open with". A double-click opens it with this program if nothing else does so far.
!macro REGISTER_TYPE EXTENSION CLASS
  WriteRegStr HKCU "${CLASSES}\${EXTENSION}\OpenWithProgids" "${CLASS}" ""
  WriteRegStr HKCU "${CAPABILITIES}\FileAssociations" "${EXTENSION}" "${CLASS}"
  WriteRegStr HKCU "${CLASSES}\Applications\sxtstudiow.exe\SupportedTypes" "${EXTENSION}" ""
  ReadRegStr $0 HKCU "${CLASSES}\${EXTENSION}" ""
  ReadRegStr $1 HKLM "${CLASSES}\${EXTENSION}" ""
  ${If} "$0$1" == ""
    WriteRegStr HKCU "${CLASSES}\${EXTENSION}" "" "${CLASS}"
  ${EndIf}
!macroend

; The user or another program may have taken the type, or added to it, since: that stays.
!macro UNREGISTER_TYPE EXTENSION CLASS
  ReadRegStr $0 HKCU "${CLASSES}\${EXTENSION}" ""
  ${If} $0 == "${CLASS}"
    DeleteRegValue HKCU "${CLASSES}\${EXTENSION}" ""
  ${EndIf}
  DeleteRegValue HKCU "${CLASSES}\${EXTENSION}\OpenWithProgids" "${CLASS}"
  DeleteRegKey /ifempty HKCU "${CLASSES}\${EXTENSION}\OpenWithProgids"
  DeleteRegKey /ifempty HKCU "${CLASSES}\${EXTENSION}"
!macroend

!macro REGISTER_CLASS CLASS TITLE
  WriteRegStr HKCU "${CLASSES}\${CLASS}" "" "${TITLE}"
  WriteRegStr HKCU "${CLASSES}\${CLASS}\DefaultIcon" "" "${WINDOW},0"
  WriteRegStr HKCU "${CLASSES}\${CLASS}\shell\open\command" "" '"${WINDOW}" gui "%1"'
!macroend

!macro EACH_TYPE DO
  !insertmacro ${DO} ".mrc" "${TOMOGRAM}"
  !insertmacro ${DO} ".rec" "${TOMOGRAM}"
  !insertmacro ${DO} ".st" "${TOMOGRAM}"
  !insertmacro ${DO} ".map" "${TOMOGRAM}"
  !insertmacro ${DO} ".txm" "${TOMOGRAM}"
  !insertmacro ${DO} ".sxtproject" "${PROJECT}"
!macroend

!macro TELL_EXPLORER
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)' ; SHCNE_ASSOCCHANGED
!macroend

!macro REGISTER_PROGRAM
  WriteRegStr HKCU "${KEY}" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "${KEY}" "Version" "${VERSION}"
  !insertmacro REGISTER_CLASS "${TOMOGRAM}" "Tomogram"
  !insertmacro REGISTER_CLASS "${PROJECT}" "${NAME} project"
  WriteRegStr HKCU "${CLASSES}\Applications\sxtstudiow.exe" "FriendlyAppName" "${NAME}"
  WriteRegStr HKCU "${CLASSES}\Applications\sxtstudiow.exe\shell\open\command" "" '"${WINDOW}" gui "%1"'
  WriteRegStr HKCU "${CAPABILITIES}" "ApplicationName" "${NAME}"
  WriteRegStr HKCU "${CAPABILITIES}" "ApplicationDescription" "Segment, clean, view and measure soft X-ray tomograms"
  WriteRegStr HKCU "Software\RegisteredApplications" "${NAME}" "${CAPABILITIES}"
  !insertmacro EACH_TYPE REGISTER_TYPE
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "${WINDOW},0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "The SXT Studio developers"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" $0
  !insertmacro TELL_EXPLORER
!macroend

!macro UNREGISTER_PROGRAM
  !insertmacro EACH_TYPE UNREGISTER_TYPE
  DeleteRegKey HKCU "${CLASSES}\${TOMOGRAM}"
  DeleteRegKey HKCU "${CLASSES}\${PROJECT}"
  DeleteRegKey HKCU "${CLASSES}\Applications\sxtstudiow.exe"
  DeleteRegValue HKCU "Software\RegisteredApplications" "${NAME}"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "${KEY}"
  !insertmacro TELL_EXPLORER
!macroend
